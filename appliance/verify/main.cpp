/// cloister-verify: what an auditor runs, on a machine that he trusts, on what a box has attested.

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <charconv>
#include <format>
#include <iostream>
#include <string>
#include <vector>

#include "appliance/verify/verdict.hpp"
#include "crypto/byte_text.hpp"
#include "crypto/tpm_file.hpp"
#include "manual/manual.hpp"
#include "manual/not_understood.hpp"

namespace {

namespace json = boost::json;
using namespace cloister;

struct Arguments {
  std::string quote;               // path
  std::string measurements;        // path
  std::vector<std::string> older;  // paths
  std::string key;
  std::string challenge;
  std::vector<std::string> pcrs;  // "0=HEX"
  bool any_age = false;
  bool json = false;
};

Result<verify::Expected> expected_of(const Arguments& arguments) {
  auto measurements =
      crypto::parsed_file(arguments.measurements, verify::measurements_bytes_max, verify::parse_measurements);
  if (!measurements) return std::unexpected{measurements.error()};
  const auto key = crypto::pcr_digest_from_hex(arguments.key);
  if (!key) return fail(std::format("'{}' is no attestation key: expected 64 hexadecimal digits", arguments.key));
  verify::Expected expected{
      .measurements = std::move(*measurements), .boot_loaders = {}, .key = *key, .challenge = {}, .pcrs = {}};
  for (const auto& path : arguments.older) {
    const auto image = crypto::parsed_file(path, verify::measurements_bytes_max, verify::parse_measurements);
    if (!image) return std::unexpected{image.error()};
    expected.boot_loaders.push_back(image->programs.front());
  }
  if (!arguments.any_age) {
    expected.challenge = crypto::from_hex(arguments.challenge);
    if (!expected.challenge || expected.challenge->empty() || expected.challenge->size() > crypto::challenge_bytes_max)
      return fail(std::format("'{}' is no challenge: expected 2 to {} hexadecimal digits, or --any-age",
                              arguments.challenge, 2 * crypto::challenge_bytes_max));
  }
  auto pcrs = crypto::parse_pcr_values(arguments.pcrs);
  if (!pcrs) return std::unexpected{pcrs.error()};
  expected.pcrs = std::move(*pcrs);
  return expected;
}

void print(const std::vector<verify::Finding>& findings, const Arguments& arguments) {
  const bool good = verify::all_hold(findings);
  if (arguments.json) {
    json::array list;
    for (const auto& [holds, text] : findings) list.push_back(json::object{{"holds", holds}, {"text", text}});
    std::cout << json::serialize(json::object{{"good", good}, {"findings", std::move(list)}}) << '\n';
    return;
  }
  for (const auto& [holds, text] : findings) std::cout << (holds ? "ok     " : "WRONG  ") << text << '\n';
  std::cout << (!good               ? "nothing shows that the box runs this image\n"
                : arguments.any_age ? "the box has run this image, some time\n"
                                    : "the box runs this image\n");
}

int verify_quote(const Arguments& arguments) {
  const auto expected = expected_of(arguments);
  const auto quote = crypto::parsed_file(arguments.quote, crypto::quote_text_bytes_max, crypto::parse_quote);
  for (const auto* error : {expected ? nullptr : &expected.error(), quote ? nullptr : &quote.error()}) {
    if (error != nullptr) std::cerr << "cloister-verify: " << error->message << '\n';
  }
  if (!expected || !quote) return 2;
  const auto findings = verify::judge(*quote, *expected);
  print(findings, arguments);
  std::cout.flush();
  return verify::all_hold(findings) && std::cout ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{"Says whether a box runs an image, by what its TPM has signed.", "cloister-verify"};
  app.set_version_flag("--version", "cloister-verify " CLOISTER_VERSION);
  app.add_option("quote", arguments.quote, "What 'cloisterctl attest' has written on the box")->required();
  app.add_option("--measurements", arguments.measurements,
                 "The image's cloister.measurements.json, from who publishes the image")
      ->required();
  app.add_option("--older", arguments.older,
                 "Measurements of an image that the box was set up or updated with before: its boot loader may be "
                 "there yet, as updates bring none");
  app.add_option("--key", arguments.key,
                 "Fingerprint of the box's attestation key, as it was shown when the box was set up")
      ->required();
  auto* challenge = app.add_option("--challenge", arguments.challenge, "What the quote must answer, in hexadecimal");
  auto* any_age = app.add_flag("--any-age", arguments.any_age, "A quote without a challenge, which may be old");
  challenge->excludes(any_age);
  app.add_option("--pcr", arguments.pcrs,
                 "Besides, a PCR's value that was noted when the box was set up, as 0=HEX; again for each");
  app.add_flag("--json", arguments.json, "For programs");
  const manual::Program program{
      .description = {"It runs on a machine that you trust, and needs neither the box nor a TPM. It believes the quote "
                      "nothing that the box's TPM has not signed, and the firmware's log nothing that the quoted PCR 4 "
                      "and 7 do not "
                      "confirm.",
                      "What it shows: the TPM with this key has seen the firmware start, under Secure Boot, the "
                      "image's boot loader "
                      "and kernel image, and nothing else. What it does not show is in docs/how-to/attest.md."},
      .exit_status = {{"0", "All holds: the box runs this image."},
                      {"1", "Something does not hold."},
                      {"2", "The command line is wrong, or a file cannot be read."}},
      .see_also = {"cloisterctl(1)"}};
  manual::offer(app, program);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return manual::not_understood(app, error);
  }
  return verify_quote(arguments);
}
