// What boxes vouch for: whose word counts, and what a changed word is.
#include "crypto/voucher.hpp"

#include <openssl/evp.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/seeded_random.hpp"

namespace cloister::crypto {
namespace {
using Catch::Matchers::ContainsSubstring;

Identity identity_of(std::uint64_t seed) {
  cloister::test::SeededRandom random{seed};
  auto identity = Identity::generate(random);
  REQUIRE(identity);
  return std::move(*identity);
}

std::string text_of(const Identity& signer, const std::string& by, const std::string& box, const Fingerprint& key) {
  const auto text =
      make_voucher(signer, {.box = box, .key = key, .by = by, .date = "2026-11-26", .by_key = signer.fingerprint()});
  REQUIRE(text);
  return *text;
}

Voucher voucher_of(const Identity& signer, const std::string& by, const std::string& box, const Fingerprint& key) {
  auto voucher = parse_voucher(text_of(signer, by, box, key));
  REQUIRE(voucher);
  return std::move(*voucher);
}

std::string why(const auto& result) { return result ? "" : result.error().message; }

TEST_CASE("a voucher is read as it was made, with any line ends") {
  const auto rome = identity_of(1);
  const auto paris = identity_of(2);
  const std::string text = text_of(rome, "rome", "paris", paris.fingerprint());
  std::string carried;
  for (const char character : text) carried += character == '\n' ? "\r\n" : std::string{character};
  for (const auto& read : {parse_voucher(text), parse_voucher(carried)}) {
    REQUIRE(read);
    CHECK(read->box == "paris");
    CHECK(read->key == paris.fingerprint());
    CHECK(read->by == "rome");
    CHECK(read->date == "2026-11-26");
    CHECK(read->by_key == rome.fingerprint());
  }
}

TEST_CASE("a voucher of which any byte was changed, that is cut or has more behind it is refused") {
  const auto rome = identity_of(1);
  const auto paris = identity_of(2);
  const std::string text = text_of(rome, "rome", "paris", paris.fingerprint());
  const std::size_t key_at = text.find("-----BEGIN");
  for (std::size_t i = 0; i < text.size(); i += i < 200 ? 1 : 97) {
    std::string changed = text;
    changed[i] = changed[i] == 'a' ? 'b' : 'a';
    INFO(i);
    const auto read = parse_voucher(changed);
    // Within the key: another one, or none; never rome's word.
    CHECK_FALSE((read && read->by_key == rome.fingerprint()));
    if (i < key_at) CHECK_FALSE(read);
  }
  for (const auto& wrong : {std::string{}, text + "x", text + text, text.substr(0, text.size() / 2), "\n" + text,
                            text.substr(0, key_at), std::string(voucher_text_bytes_max + 1, 'a')})
    CHECK_FALSE(parse_voucher(wrong));
  // Another's key in the place of rome's.
  CHECK_THAT(why(parse_voucher(text.substr(0, key_at) + to_pem(identity_of(3).key().get()))),
             ContainsSubstring("was changed"));
}

TEST_CASE("enough of those whose word is taken vouch for one key; anything else is refused with its reason") {
  const auto rome = identity_of(1);
  const auto paris = identity_of(2);
  const auto oslo = identity_of(3);
  const auto other = identity_of(4);
  const std::vector<Believed> believed{{"rome", rome.fingerprint()}, {"oslo", oslo.fingerprint()}};
  const auto key = paris.fingerprint();
  const auto by_rome = voucher_of(rome, "rome", "paris", key);
  const auto by_oslo = voucher_of(oslo, "oslo", "paris", key);
  const auto both = vouched_key("paris", {by_rome, by_oslo}, believed, 2);
  REQUIRE(both);
  CHECK(*both == key);
  CHECK(vouched_key("paris", {by_oslo}, believed, 1));

  struct Case {
    std::vector<Voucher> vouchers;
    std::string_view says;
  };
  for (const auto& [vouchers, says] :
       {Case{{}, "0 of those"}, Case{{by_rome}, "1 of those"}, Case{{by_rome, by_rome}, "1 of those"},
        Case{{by_rome, voucher_of(oslo, "oslo", "milan", key)}, "vouches for 'milan'"},
        Case{{by_rome, voucher_of(other, "turin", "paris", key)}, "none of those"},
        Case{{by_rome, voucher_of(other, "oslo", "paris", key)}, "is expected"},
        Case{{by_rome, voucher_of(rome, "oslo", "paris", key)}, "is expected"},
        Case{{by_rome, voucher_of(oslo, "oslo", "paris", other.fingerprint())}, "contradict"},
        Case{{voucher_of(rome, "rome", "paris", rome.fingerprint())}, "its own key"}}) {
    CHECK_THAT(why(vouched_key("paris", vouchers, believed, 2)), ContainsSubstring(std::string{says}));
  }
  // One key under two names has one voice.
  const std::vector<Believed> twice{{"rome", rome.fingerprint()}, {"oslo", rome.fingerprint()}};
  CHECK_FALSE(vouched_key("paris", {by_rome, voucher_of(rome, "oslo", "paris", key)}, twice, 2));
}

}  // namespace
}  // namespace cloister::crypto
