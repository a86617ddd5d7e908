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

Day day(std::string_view text) {
  const auto read = parse_day(text);
  REQUIRE(read);
  return *read;
}

/// Of a year, unless said otherwise.
struct Terms {
  std::string role = "*";
  std::string link = "*";
  std::string date = "2026-11-26";
  std::string until = "2027-11-26";
};

std::string text_of(const Identity& signer, const std::string& by, const std::string& box, const Fingerprint& key,
                    const Terms& terms = {}) {
  const auto text = make_voucher(signer, {.box = box,
                                          .role = terms.role,
                                          .link = terms.link,
                                          .key = key,
                                          .by = by,
                                          .date = day(terms.date),
                                          .until = day(terms.until),
                                          .by_key = signer.fingerprint()});
  REQUIRE(text);
  return *text;
}

Voucher voucher_of(const Identity& signer, const std::string& by, const std::string& box, const Fingerprint& key,
                   const Terms& terms = {}) {
  auto voucher = parse_voucher(text_of(signer, by, box, key, terms));
  REQUIRE(voucher);
  return std::move(*voucher);
}

std::string why(const auto& result) { return result ? "" : result.error().message; }

TEST_CASE("a voucher is read as it was made, with any line ends") {
  const auto rome = identity_of(1);
  const auto paris = identity_of(2);
  const std::string text = text_of(rome, "rome", "Paris", paris.fingerprint(), {.role = "bob", .link = "line-1"});
  std::string carried;
  for (const char character : text) carried += character == '\n' ? "\r\n" : std::string{character};
  for (const auto& read : {parse_voucher(text), parse_voucher(carried)}) {
    REQUIRE(read);
    CHECK(read->box == "Paris");
    CHECK(read->role == "bob");
    CHECK(read->link == "line-1");
    CHECK(read->key == paris.fingerprint());
    CHECK(read->by == "rome");
    CHECK(read->date == day("2026-11-26"));
    CHECK(read->until == day("2027-11-26"));
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

TEST_CASE("a voucher whose words have another form is none, though it is signed") {
  const auto rome = identity_of(1);
  const auto key = identity_of(2).fingerprint();
  for (const auto& terms : {Terms{.role = "carol"}, Terms{.role = ""}, Terms{.link = "a b"}, Terms{.link = ""},
                            Terms{.date = "2026-11-26", .until = "2026-11-25"}})
    CHECK_THAT(why(parse_voucher(text_of(rome, "rome", "paris", key, terms))), ContainsSubstring("another form"));
  CHECK_THAT(why(parse_voucher(text_of(rome, "rome", "pa ris", key))), ContainsSubstring("another form"));
  for (const auto* const no_day :
       {"2026-02-30", "2026-13-01", "2026-00-10", "26-11-26", "2026-11-2x", "2026/11/26", ""})
    CHECK_FALSE(parse_day(no_day));
}

/// Three who may vouch for paris's key.
struct Web {
  Identity rome = identity_of(1), paris = identity_of(2), oslo = identity_of(3), other = identity_of(4);
  std::vector<Believed> believed{{"rome", rome.fingerprint()}, {"oslo", oslo.fingerprint()}};
  Fingerprint key = paris.fingerprint();
  Sought sought{.box = "paris", .role = "bob", .link = "line"};
  [[nodiscard]] auto asked(const std::vector<Voucher>& vouchers, std::size_t at_least) const {
    return VouchedKey::from(sought, vouchers, believed, at_least);
  }
};

TEST_CASE("enough of those whose word is taken vouch for one key; anything else is refused with its reason") {
  const Web web;
  const auto& [rome, paris, oslo, other, believed, key, sought] = web;
  const auto by_rome = voucher_of(rome, "rome", "paris", key);
  const auto by_oslo = voucher_of(oslo, "oslo", "paris", key, {.role = "bob", .link = "line"});
  const auto both = web.asked({by_rome, by_oslo}, 2);
  REQUIRE(both);
  CHECK(both->key() == key);
  CHECK(web.asked({by_oslo}, 1));

  struct Case {
    std::vector<Voucher> vouchers;
    std::string_view says;
    std::optional<std::size_t> wrong;
  };
  for (const auto& [vouchers, says, wrong] :
       {Case{{}, "0 of those", {}}, Case{{by_rome}, "1 of those", {}}, Case{{by_rome, by_rome}, "two vouchers", 1},
        Case{{by_rome, voucher_of(rome, "rome", "paris", key, {.until = "2028-01-01"})}, "two vouchers", 1},
        Case{{by_rome, voucher_of(oslo, "oslo", "milan", key)}, "vouches for 'milan'", 1},
        Case{{voucher_of(rome, "rome", "paris", key, {.role = "alice"}), by_oslo}, "as 'alice' only", 0},
        Case{{by_rome, voucher_of(oslo, "oslo", "paris", key, {.link = "other"})}, "on link 'other' only", 1},
        Case{{by_rome, voucher_of(other, "turin", "paris", key)}, "none of those", 1},
        Case{{by_rome, voucher_of(other, "oslo", "paris", key)}, "is expected", 1},
        Case{{by_rome, voucher_of(rome, "oslo", "paris", key)}, "is expected", 1},
        Case{{by_rome, voucher_of(oslo, "oslo", "paris", other.fingerprint())}, "contradict", 1},
        Case{{voucher_of(rome, "rome", "paris", rome.fingerprint())}, "its own key", 0}}) {
    const auto refused = web.asked(vouchers, 2);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().why, ContainsSubstring(std::string{says}));
    CHECK(refused.error().voucher == wrong);
  }
  // Who asks for any role or link is not answered for one.
  CHECK_FALSE(VouchedKey::from({.box = "paris"}, {by_rome, by_oslo}, believed, 2));
  CHECK(VouchedKey::from({.box = "paris"}, {by_rome}, believed, 1));
  // One key under two names has one voice.
  const std::vector<Believed> twice{{"rome", rome.fingerprint()}, {"oslo", rome.fingerprint()}};
  CHECK_FALSE(VouchedKey::from(sought, {by_rome, voucher_of(rome, "oslo", "paris", key)}, twice, 2));
}

TEST_CASE("vouchers count from their first day to the end of their last, and what is left must be enough") {
  const Web web;
  const auto by_rome = voucher_of(web.rome, "rome", "paris", web.key, {.date = "2026-11-26", .until = "2027-11-26"});
  const auto by_oslo = voucher_of(web.oslo, "oslo", "paris", web.key, {.date = "2027-01-01", .until = "2028-02-29"});
  struct Case {
    std::string_view today;
    std::size_t counting;
    std::string_view says;
  };
  const auto one = web.asked({by_rome, by_oslo}, 1);
  const auto two = web.asked({by_rome, by_oslo}, 2);
  REQUIRE(one);
  REQUIRE(two);
  for (const auto& [today, counting, says] :
       {Case{"2026-11-25", 0, "that of box 'rome' begins on 2026-11-26, and this box's clock says 2026-11-25"},
        Case{"2026-11-26", 1, "that of box 'oslo' begins on 2027-01-01"}, Case{"2027-01-01", 2, ""},
        Case{"2027-11-26", 2, ""}, Case{"2027-11-27", 1, "that of box 'rome' ended on 2027-11-26"},
        Case{"2028-02-29", 1, "that of box 'rome' ended"}, Case{"2028-03-01", 0, "that of box 'oslo' ended"}}) {
    INFO(today);
    const auto by_one = one->counting_on(day(today));
    CHECK(by_one.has_value() == (counting >= 1));
    if (by_one) {
      CHECK(by_one->key == web.key);
      CHECK(by_one->vouched_by.size() == counting);
      CHECK(by_one->until == (today < "2027-01-01" ? day("2027-11-26") : day("2028-02-29")));
    }
    const auto by_two = two->counting_on(day(today));
    CHECK(by_two.has_value() == (counting >= 2));
    if (by_two)
      CHECK(by_two->until == day("2027-11-26"));
    else
      CHECK_THAT(by_two.error().message, ContainsSubstring(std::string{says}));
  }
}

}  // namespace
}  // namespace cloister::crypto
