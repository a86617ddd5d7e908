#include "appliance/verify/verdict.hpp"

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <format>
#include <string>
#include <utility>
#include <vector>

#include "crypto/tpm.hpp"
#include "tests/unit/crypto/firmware_log.hpp"
#include "tests/unit/crypto/software_tpm.hpp"

using namespace cloister;
using namespace cloister::crypto::test;

namespace {

constexpr std::array quoted{0U, 4U, 7U, 11U, 12U, 13U};
constexpr unsigned kernel_pcr = 11;

crypto::PcrDigest of(std::string_view text) { return FirmwareLog::digest_of(text); }
/// What a PCR is that was extended by this alone.
crypto::PcrDigest after(const crypto::PcrDigest& digest) {
  Bytes both(32);
  append(both, digest);
  return crypto::sha256(both);
}

/// A box that has started, and who asks it.
struct Scene {
  SoftwareTpm device;
  crypto::Quote quote;
  verify::Expected expected{.measurements = {.version = "1.2.3",
                                             .root_hash = "ab",
                                             .certificate = of("ours"),
                                             .programs = {of("loader"), of("kernel image")},
                                             .phases = {{.name = "initrd", .pcr_11 = after(of("stub"))},
                                                        {.name = "initrd:ready", .pcr_11 = after(of("image"))}}},
                            .boot_loaders = {},
                            .key = {},
                            .challenge = Bytes(16, std::byte{5}),
                            .pcrs = {}};

  /// By a firmware that says this of itself; `beside` are what else was extended.
  explicit Scene(const FirmwareLog& log, const std::vector<std::pair<unsigned, crypto::PcrDigest>>& beside = {},
                 std::string_view kernel = "image") {
    for (const auto& [pcr, digest] : log.extensions()) device.extend(pcr, digest);
    device.extend(kernel_pcr, of(kernel));
    for (const auto& [pcr, digest] : beside) device.extend(pcr, digest);
    auto tpm = crypto::Tpm::open({device.tcti()});
    REQUIRE(tpm);
    auto made = tpm->quote(*expected.challenge, quoted);
    REQUIRE(made);
    quote = std::move(*made);
    quote.boot_log = log.bytes();
    expected.key = crypto::quoting_key_fingerprint(quote.key);
  }
  /// What does not hold.
  [[nodiscard]] std::string wrong() const {
    std::string out;
    const auto findings = verify::judge(quote, expected);
    for (const auto& [holds, text] : findings) out += holds ? "" : text + "; ";
    CHECK(verify::all_hold(findings) == out.empty());
    return out;
  }
};

FirmwareLog started(std::initializer_list<std::string_view> certificates,
                    std::initializer_list<std::string_view> programs, bool on = true) {
  FirmwareLog log;
  log.start(on, certificates, programs);
  return log;
}

}  // namespace

TEST_CASE("A box that has started the image under Secure Boot, and nothing else, is found to run it") {
  Scene scene{started({"ours"}, {"loader", "kernel image"})};
  CHECK(scene.wrong().empty());

  SECTION("not by another key") {
    scene.expected.key[0] ^= std::byte{1};
    CHECK(scene.wrong().contains("another box's TPM"));
  }
  SECTION("nor to another challenge") {
    scene.expected.challenge = Bytes(16, std::byte{6});
    CHECK(scene.wrong() == "it answers another challenge: it may be old, or be another box's; ");
  }
  SECTION("nor without the firmware's log, or by another's") {
    scene.quote.boot_log.clear();
    CHECK(scene.wrong().contains("log is missing"));
    scene.quote.boot_log = started({"ours"}, {"loader"}).bytes();
    CHECK(scene.wrong().contains("is not what was measured"));
  }
  SECTION("nor where a PCR is not what was noted") {
    scene.expected.pcrs = {{0, {}}, {12, {}}};
    CHECK(scene.wrong().empty());
    scene.expected.pcrs[0][0] = std::byte{1};
    CHECK(scene.wrong() == "PCR 0 is not what was expected; ");
  }
  SECTION("nor as another image") {
    scene.expected.measurements.phases.back().pcr_11[0] ^= std::byte{1};
    CHECK(scene.wrong() == "PCR 11 is not that of the image 1.2.3: another kernel image runs; ");
  }
  CHECK_FALSE(verify::all_hold({}));
}

TEST_CASE("What else was started, given or left off is found, each by itself") {
  CHECK(Scene{started({"ours"}, {"loader", "kernel image"}, false)}.wrong() == "Secure Boot was off; ");
  const std::string_view foreign = "another certificate than the image's vouched for something, or none did; ";
  CHECK(Scene{started({"ours", "theirs"}, {"loader", "kernel image"})}.wrong() == foreign);
  CHECK(Scene{started({}, {"loader", "kernel image"})}.wrong() == foreign);
  const std::string_view else_started =
      "the firmware started something else than the boot loader and the kernel image; ";
  CHECK(Scene{started({"ours"}, {"shell", "loader", "kernel image"})}.wrong() == else_started);
  CHECK(Scene{started({"ours"}, {})}.wrong() == else_started);
  for (const unsigned pcr : {12U, 13U})
    CHECK(Scene{started({"ours"}, {"loader", "kernel image"}), {{pcr, of("a credential")}}}.wrong() ==
          std::format("PCR {}: something was given to the kernel image beside its own; ", pcr));
  CHECK(Scene{started({"ours"}, {"loader", "kernel image"}), {}, "stub"}.wrong().contains(
      "was stopped while it started"));
  CHECK(Scene{started({"ours"}, {"loader", "kernel image"}), {{4, of("something later")}}}.wrong().contains(
      "PCR 4 or 7 is another"));

  Scene updated{started({"ours"}, {"older loader", "kernel image"})};
  CHECK(updated.wrong() == else_started);
  updated.expected.boot_loaders = {of("older loader")};
  CHECK(updated.wrong().empty());
}

TEST_CASE("An image's measurements are read strictly") {
  const auto text = [](std::string_view phases) {
    return std::format(
        R"({{"version":"1","root_hash":"ab","secure_boot_certificate":"{:064}","programs":[{{"name":"loader","sha256":"{:064}"}}],"generation":1000,"pcr_11":{}}})",
        3, 5, phases);
  };
  const auto good = verify::parse_measurements(text(std::format(R"([{{"phase":"ready","sha256":"{:064}"}}])", 7)));
  REQUIRE(good);
  CHECK(good->version == "1");
  CHECK(good->root_hash == "ab");
  CHECK(good->certificate.back() == std::byte{3});
  REQUIRE(good->programs.size() == 1);
  CHECK(good->programs[0].back() == std::byte{5});
  REQUIRE(good->phases.size() == 1);
  CHECK(good->phases[0].pcr_11.back() == std::byte{7});
  for (const auto* const phases : {"[]", "7", "[7]", R"([{"phase":"ready"}])", R"([{"phase":"ready","sha256":"00"}])"})
    CHECK_FALSE(verify::parse_measurements(text(phases)));
  CHECK_FALSE(verify::parse_measurements("{}"));
  CHECK_FALSE(verify::parse_measurements("["));
}
