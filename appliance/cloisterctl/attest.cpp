#include "appliance/cloisterctl/attest.hpp"

#include <CLI/CLI.hpp>
#include <array>
#include <filesystem>
#include <format>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "appliance/cloisterctl/failed.hpp"
#include "appliance/cloisterctl/pcr_table.hpp"
#include "appliance/cloisterctl/text_file.hpp"
#include "appliance/cloisterctl/tpm_options.hpp"
#include "crypto/boot_log.hpp"
#include "crypto/byte_text.hpp"
#include "crypto/quote.hpp"
#include "crypto/tpm_file.hpp"

namespace cloister::cloisterctl {
namespace {

struct AttestOptions {
  TpmOptions tpm;
  std::optional<std::string> challenge;       // hexadecimal
  std::optional<std::string> challenge_file;  // with it
  std::string boot_log = crypto::boot_log_path;
  std::string output;  // path; empty: standard output
  bool json = false;
};

/// Firmware and its settings, boot loader, kernel image; what is given to the kernel image beside its own, and what is loaded into it.
constexpr std::array quoted_pcrs{0U, 1U, 2U, 3U, 4U, 5U, 6U, 7U, 11U, 12U, 13U};

/// Empty where none was given.
Result<std::vector<std::byte>> challenge_of(const AttestOptions& options) {
  if (!options.challenge && !options.challenge_file) return {};
  std::string text = options.challenge.value_or("");
  if (options.challenge_file) {
    const auto read = crypto::read_text_file(*options.challenge_file, 2 * crypto::challenge_bytes_max + 2);
    if (!read) return std::unexpected{read.error()};
    text = read->substr(0, read->find_first_of("\r\n"));
  }
  auto bytes = crypto::from_hex(text);
  if (!bytes || bytes->empty() || bytes->size() > crypto::challenge_bytes_max)
    return fail(
        std::format("{} is no challenge: expected 2 to {} hexadecimal digits, as 'openssl rand -hex {}' makes them",
                    options.challenge_file ? std::format("the first line of '{}'", *options.challenge_file)
                                           : "what --challenge says",
                    2 * crypto::challenge_bytes_max, crypto::challenge_bytes_max));
  return *bytes;
}

/// Nothing where the firmware keeps none.
Result<std::vector<std::byte>> boot_log_of(const std::string& path) {
  std::error_code unseen;  // whoever may not look gets to know it when the file is read
  if (!std::filesystem::exists(path, unseen) && !unseen) return {};
  const auto text = crypto::read_text_file(path, crypto::boot_log_bytes_max);
  if (!text) return std::unexpected{text.error()};
  if (text->size() > crypto::boot_log_bytes_max) return fail(std::format("'{}' is longer than 512 KiB", path));
  const auto bytes = std::as_bytes(std::span{*text});
  return std::vector<std::byte>{bytes.begin(), bytes.end()};
}

void show(const crypto::Quote& quote) {
  std::cout << pcr_table(quote.pcrs)
            << std::format("attestation key {}\n", crypto::pcr_digest_hex(crypto::quoting_key_fingerprint(quote.key)));
}

Result<> attest(const AttestOptions& options) {
  const auto challenge = challenge_of(options);
  if (!challenge) return std::unexpected{challenge.error()};
  auto log = boot_log_of(options.boot_log);
  if (!log) return std::unexpected{log.error()};
  auto tpm = options.tpm.open();
  if (!tpm) return std::unexpected{tpm.error()};
  auto quote = tpm->quote(*challenge, quoted_pcrs);
  if (!quote) return std::unexpected{quote.error()};
  quote->boot_log = std::move(*log);
  if (!options.output.empty()) {
    if (auto written = write_text(options.output, crypto::to_json(*quote)); !written) return written;
  }
  if (options.json)
    std::cout << crypto::to_json(*quote);
  else
    show(*quote);
  return {};
}

}  // namespace

void offer_attest(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<AttestOptions>();
  auto* attest_command = app.add_subcommand(
      "attest", "What this machine has started, signed by its TPM, for 'cloister-verify'; works without the service");
  options->tpm.offer(attest_command);
  auto* challenge = attest_command->add_option("--challenge", options->challenge,
                                               "What whoever verifies has drawn for this once, in hexadecimal; without "
                                               "it nothing tells when the quote was made");
  attest_command->add_option("--challenge-file", options->challenge_file, "A file whose first line is the challenge")
      ->excludes(challenge);
  attest_command->add_option("--boot-log", options->boot_log, "The firmware's log of what it has measured")
      ->capture_default_str();
  attest_command->add_option("--output", options->output, "File for the quote");
  attest_command->add_flag("--json", options->json, "For programs: the quote itself");
  invocation.on(attest_command, [options] { return ended(attest(*options)); });
}

}  // namespace cloister::cloisterctl
