#include "appliance/verify/verdict.hpp"

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <format>

#include "crypto/tpm.hpp"
#include "tests/unit/crypto/firmware_log.hpp"
#include "tests/unit/crypto/software_tpm.hpp"

using namespace cloister;
using namespace cloister::crypto::test;

namespace {

constexpr std::array quoted{7U, 11U, 12U, 13U};

std::string certificate_name(std::string_view certificate) {
  Bytes bytes;
  put_text(bytes, certificate);
  return crypto::sha256_hex(bytes);
}

/// A TPM whose PCRs are as it started with them: the image that they stand for has zeros.
struct Scene {
  SoftwareTpm device;
  FirmwareLog log;  // nothing in PCR 7
  crypto::Quote quote;
  verify::Expected expected;

  Scene() {
    auto tpm = crypto::Tpm::open({device.tcti()});
    REQUIRE(tpm);
    const std::vector<std::byte> challenge(16, std::byte{5});
    auto made = tpm->quote(challenge, quoted);
    REQUIRE(made);
    quote = std::move(*made);
    quote.boot_log = log.bytes();
    expected = {.measurements = {.version = "1.2.3",
                                 .root_hash = "ab",
                                 .certificate = certificate_name("ours"),
                                 .phases = {{.name = "ready", .pcr_11 = crypto::PcrDigest{}}}},
                .key = crypto::quoting_key_fingerprint(quote.key),
                .challenge = challenge,
                .pcrs = {}};
  }
  [[nodiscard]] std::string wrong() const {
    std::string out;
    for (const auto& [holds, text] : verify::judge(quote, expected))
      if (!holds) out += text + "; ";
    return out;
  }
};

}  // namespace

TEST_CASE(
    "A quote is judged question by question: the key, the challenge, the image, Secure Boot, PCRs that were noted") {
  Scene scene;
  // A TPM without firmware has an empty PCR 7: what it was, and who vouched, nobody says.
  CHECK(scene.wrong() ==
        "Secure Boot was off; something was started that is signed with another certificate than the image's; ");
  CHECK_FALSE(verify::all_hold(verify::judge(scene.quote, scene.expected)));

  scene.quote.boot_log = FirmwareLog{}.secure_boot(true, {"ours"}).bytes();
  CHECK(scene.wrong() == "the firmware's log is not what was measured: PCR 7 is another; ");
  scene.quote.boot_log.clear();
  CHECK(scene.wrong() == "the firmware's log is missing: nothing tells whether Secure Boot was on; ");

  scene.expected.pcrs[7] = {};
  scene.expected.pcrs[0] = {};
  CHECK(scene.wrong().contains("PCR 0 is not what was expected"));
  CHECK_FALSE(scene.wrong().contains("PCR 7 is not what"));

  scene.expected.measurements.phases[0].pcr_11[0] = std::byte{1};
  CHECK(scene.wrong().contains("PCR 11 is not that of the image 1.2.3"));
  scene.expected.key = "another";
  CHECK(scene.wrong().starts_with("this is another box's TPM"));
  scene.expected.challenge = std::vector<std::byte>{std::byte{6}};
  CHECK(scene.wrong() == "it answers another challenge: it may be old, or be another box's; ");
  CHECK_FALSE(verify::all_hold({}));
}

TEST_CASE("An image's measurements are read strictly") {
  const auto text = [](std::string_view phases) {
    return std::format(
        R"({{"version":"1","root_hash":"ab","secure_boot_certificate":"cd","generation":1000,"pcr_11":{}}})", phases);
  };
  const auto good = verify::parse_measurements(text(std::format(R"([{{"phase":"ready","sha256":"{:064}"}}])", 7)));
  REQUIRE(good);
  CHECK(good->version == "1");
  CHECK(good->root_hash == "ab");
  CHECK(good->certificate == "cd");
  REQUIRE(good->phases.size() == 1);
  CHECK(good->phases[0].pcr_11.back() == std::byte{7});
  for (const auto* const phases : {"[]", "7", "[7]", R"([{"phase":"ready"}])", R"([{"phase":"ready","sha256":"00"}])"})
    CHECK_FALSE(verify::parse_measurements(text(phases)));
  CHECK_FALSE(verify::parse_measurements("{}"));
  CHECK_FALSE(verify::parse_measurements("["));
}
