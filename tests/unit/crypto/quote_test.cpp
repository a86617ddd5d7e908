#include "crypto/quote.hpp"

#include <array>
#include <catch2/catch_test_macros.hpp>

#include "crypto/byte_text.hpp"
#include "crypto/tpm.hpp"
#include "tests/unit/crypto/software_tpm.hpp"

using namespace cloister;
using namespace cloister::crypto;
using namespace cloister::crypto::test;

namespace {

constexpr std::array pcrs{7U, 11U};
const std::vector<std::byte> challenge(32, std::byte{0xC4});

}  // namespace

TEST_CASE("A TPM's quote holds for its challenge and its PCRs, and a start later has the same key") {
  SoftwareTpm device;
  auto tpm = Tpm::open({device.tcti()});
  REQUIRE(tpm);
  const auto quote = tpm->quote(challenge, pcrs);
  REQUIRE(quote);
  const auto attested = check_quote(*quote, challenge);
  REQUIRE(attested);
  CHECK(attested->pcrs == *tpm->read_pcrs(pcrs));
  CHECK(attested->key == quoting_key_fingerprint(quote->key));

  device.cut_power();
  device.start();
  auto again = Tpm::open({device.tcti()});
  REQUIRE(again);
  const auto second = again->quote({}, pcrs);
  REQUIRE(second);
  const auto later = check_quote(*second, {});
  REQUIRE(later);
  CHECK(later->key == attested->key);
  CHECK(later->starts > attested->starts);
  CHECK_FALSE(check_quote(*second, challenge));
  CHECK_FALSE(again->quote(std::vector<std::byte>(33), pcrs));

  SoftwareTpm other;
  CHECK(check_quote(*Tpm::open({other.tcti()})->quote(challenge, pcrs), challenge)->key != attested->key);
}

TEST_CASE("A quote of which any byte was changed does not hold, nor one by a key that signs what it is given") {
  SoftwareTpm device;
  auto tpm = Tpm::open({device.tcti()});
  REQUIRE(tpm);
  const auto quote = tpm->quote(challenge, pcrs);
  REQUIRE(quote);
  for (auto part : {&Quote::key, &Quote::statement, &Quote::signature}) {
    for (std::size_t i = 0; i < ((*quote).*part).size(); ++i) {
      auto changed = *quote;
      (changed.*part)[i] ^= std::byte{1};
      const auto checked = check_quote(changed, challenge);
      // A key's attributes may change to others that will do; it is another key then.
      CHECK((!checked || checked->key != quoting_key_fingerprint(quote->key)));
    }
  }
  auto other_value = *quote;
  other_value.pcrs[7][0] ^= std::byte{1};
  CHECK_FALSE(check_quote(other_value, challenge));
  auto fewer = *quote;
  fewer.pcrs.erase(11);
  CHECK_FALSE(check_quote(fewer, challenge));
  auto more = *quote;
  more.pcrs[12] = {};
  CHECK_FALSE(check_quote(more, challenge));
}

TEST_CASE("A quote as JSON is read as it was written; what is missing or twice there is refused") {
  const Quote quote{.key = {std::byte{1}},
                    .statement = {std::byte{2}, std::byte{3}},
                    .signature = {},
                    .pcrs = {{7, {}}, {11, {}}},
                    .boot_log = {}};
  const auto text = to_json(quote);
  CHECK(parse_quote(text) == quote);
  for (const std::string_view wrong :
       {"", "[]", "{}", R"({"key":"AQ==","statement":"","signature":"","boot_log":"","pcrs":7})",
        R"({"key":"AQ=","statement":"","signature":"","boot_log":"","pcrs":[]})",
        R"({"key":"AQ==","statement":"","signature":"","boot_log":"","pcrs":[{"pcr":24,"sha256":""}]})"})
    CHECK_FALSE(parse_quote(wrong));
  const auto zeros = std::string(64, '0');
  const auto twice = R"({"key":"","statement":"","signature":"","boot_log":"","pcrs":[{"pcr":7,"sha256":")" + zeros +
                     R"("},{"pcr":7,"sha256":")" + zeros + R"("}]})";
  CHECK_FALSE(parse_quote(twice));
}

TEST_CASE("Bytes as text have one form, and come back") {
  for (std::size_t length = 0; length < 70; ++length) {
    const std::vector<std::byte> bytes(length, static_cast<std::byte>(0xA0 + length));
    CHECK(from_hex(to_hex(bytes)) == bytes);
    CHECK(from_base64(to_base64(bytes)) == bytes);
  }
  CHECK(to_hex(std::array{std::byte{0x0F}, std::byte{0xF0}}) == "0ff0");
  for (const std::string_view wrong : {"0", "0g", "0f ", "00 11"}) CHECK_FALSE(from_hex(wrong));
  for (const std::string_view wrong : {"A", "AB==", "AA=", "AA==\n", "A A=", "====", "AA==AA=="})
    CHECK_FALSE(from_base64(wrong));
}
