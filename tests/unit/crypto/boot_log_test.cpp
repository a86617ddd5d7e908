#include "crypto/boot_log.hpp"

#include <catch2/catch_test_macros.hpp>

#include "tests/unit/crypto/firmware_log.hpp"

using namespace cloister;
using namespace cloister::crypto;
using namespace cloister::crypto::test;

namespace {

Bytes text_bytes(std::string_view text) {
  Bytes out;
  put_text(out, text);
  return out;
}

const Bytes on{std::byte{1}};

}  // namespace

TEST_CASE(
    "A firmware's log tells what was started, whether Secure Boot was on and who vouched, and makes PCR 4 and 7") {
  FirmwareLog log;
  log.event(0, 8, text_bytes("firmware"))
      .start(true, {"ours", "ours too"}, {"loader", "kernel"})
      .event(5, 13, text_bytes("a table"));
  const auto found = read_boot_log(log.bytes());
  REQUIRE(found);
  CHECK(*found == BootLog{.pcrs = {{4, log.pcr(4)}, {7, log.pcr(7)}},
                          .programs = {FirmwareLog::digest_of("loader"), FirmwareLog::digest_of("kernel")},
                          .secure_boot = true,
                          .authorities = {FirmwareLog::digest_of("ours"), FirmwareLog::digest_of("ours too")}});
}

TEST_CASE(
    "Secure Boot that was off once was off; another's variable of that name, and a log without one, say nothing") {
  FirmwareLog off;
  off.start(false, {}, {}).event(7, variable_configured, variable(global, "SecureBoot", on));
  CHECK(read_boot_log(off.bytes())->secure_boot == false);
  const auto longer =
      FirmwareLog{}.event(7, variable_configured, variable(global, "SecureBoot", {std::byte{1}, std::byte{0}}));
  CHECK(read_boot_log(longer.bytes())->secure_boot == false);
  CHECK(read_boot_log(FirmwareLog{}.bytes())->secure_boot == std::nullopt);
  const auto foreign = FirmwareLog{}.event(7, variable_configured, variable(Guid{}, "SecureBoot", on));
  CHECK(read_boot_log(foreign.bytes())->secure_boot == std::nullopt);
}

TEST_CASE("What cannot be judged in PCR 4 or 7 is an error, and none of the log's words is in it") {
  const auto refused = [](unsigned pcr, std::uint32_t type, const Bytes& content) {
    const auto found = read_boot_log(FirmwareLog{}.event(pcr, type, content).bytes());
    REQUIRE_FALSE(found);
    return !found.error().message.contains('\x1b');
  };
  CHECK(refused(7, action, text_bytes("\x1b[2K UEFI Debug Mode")));
  CHECK(refused(7, 13, text_bytes("MokList")));
  CHECK(refused(4, 13, text_bytes("a boot sector")));
  CHECK(refused(7, separator, Bytes{std::byte{1}, {}, {}, {}}));
  CHECK(refused(7, variable_authority, variable(security, "db", Bytes(16))));
  CHECK(refused(7, variable_authority, variable(security, "d\x1b", certificate_entry("ours"))));
  CHECK(refused(7, variable_authority, variable(global, "db", certificate_entry("ours"))));
  FirmwareLog twice;
  twice.start(true, {}, {}).event(7, separator, Bytes(4));
  CHECK_FALSE(read_boot_log(twice.bytes()));
  const auto other = FirmwareLog::digest_of("another");
  CHECK_FALSE(
      read_boot_log(FirmwareLog{}.event(7, variable_configured, variable(global, "SecureBoot", on), other).bytes()));
  CHECK_FALSE(read_boot_log(FirmwareLog{}.event(4, separator, Bytes(4), other).bytes()));
}

TEST_CASE("A log that is cut anywhere is an error, or ends before an event") {
  FirmwareLog log;
  log.start(true, {"ours"}, {"loader"});
  const auto whole = read_boot_log(log.bytes());
  REQUIRE(whole);
  std::size_t between = 0;
  for (std::size_t length = 0; length < log.bytes().size(); ++length) {
    const auto cut = read_boot_log(std::span{log.bytes()}.first(length));
    if (!cut) continue;
    ++between;
    CHECK(cut->pcrs != whole->pcrs);
  }
  CHECK(between == log.extensions().size());  // behind the head, and behind each event but the last
}
