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

}  // namespace

TEST_CASE("A firmware's log tells whether Secure Boot was on and who vouched for what was started, and makes PCR 7") {
  FirmwareLog log;
  log.event(0, 8, text_bytes("firmware"))
      .secure_boot(true, {"ours", "ours too"})
      .event(4, 0x80000003, text_bytes("a program"));
  const auto found = read_secure_boot(log.bytes());
  REQUIRE(found);
  CHECK(found->on == true);
  CHECK(found->authorities == std::vector{sha256_hex(text_bytes("ours")), sha256_hex(text_bytes("ours too"))});
  CHECK(found->pcr == log.pcr(7));
}

TEST_CASE("Secure Boot that was off once was off, and a log that does not say has said nothing") {
  FirmwareLog off;
  off.secure_boot(false, {}).event(7, variable_configured, variable("SecureBoot", {std::byte{1}}));
  CHECK(read_secure_boot(off.bytes())->on == false);
  FirmwareLog longer;
  longer.event(7, variable_configured, variable("SecureBoot", {std::byte{1}, std::byte{0}}));
  CHECK(read_secure_boot(longer.bytes())->on == false);
  CHECK(read_secure_boot(FirmwareLog{}.bytes())->on == std::nullopt);
}

TEST_CASE(
    "What cannot be judged in PCR 7 is an error: a debugger, a foreign loader's event, content that was not measured") {
  CHECK_FALSE(read_secure_boot(FirmwareLog{}.event(7, 0x80000007, text_bytes("UEFI Debug Mode")).bytes()));
  CHECK_FALSE(read_secure_boot(FirmwareLog{}.event(7, 13, text_bytes("MokList")).bytes()));
  const auto other = sha256(text_bytes("another"));
  CHECK_FALSE(read_secure_boot(
      FirmwareLog{}.event(7, variable_configured, variable("SecureBoot", {std::byte{1}}), other).bytes()));
  CHECK_FALSE(read_secure_boot(FirmwareLog{}.event(7, variable_authority, variable("db", Bytes(16))).bytes()));
}

TEST_CASE("A log that is cut anywhere is an error, or ends before an event") {
  FirmwareLog log;
  log.secure_boot(true, {"ours"});
  const auto whole = read_secure_boot(log.bytes());
  REQUIRE(whole);
  std::size_t between = 0;
  for (std::size_t length = 0; length < log.bytes().size(); ++length) {
    const auto cut = read_secure_boot(std::span{log.bytes()}.first(length));
    if (!cut) continue;
    ++between;
    CHECK(cut->pcr != whole->pcr);
  }
  CHECK(between == 7);  // behind the head, and behind each event but the last
}
