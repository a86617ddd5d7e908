// A peer's key by vouchers that a configuration names: what is wrong with a file is said at its place, and at a bootstrap.
#include "appliance/box/vouched.hpp"

#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>
#include <format>
#include <fstream>
#include <map>

#include "crypto/identity.hpp"
#include "tests/seeded_random.hpp"

namespace cloister::box {
namespace {
namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;

const crypto::Identity& identity_of(const std::string& box) {
  static std::map<std::string, crypto::Identity> known;
  if (const auto found = known.find(box); found != known.end()) return found->second;
  cloister::test::SeededRandom random{std::hash<std::string>{}(box)};
  auto made = crypto::Identity::generate(random);
  REQUIRE(made);
  return known.emplace(box, std::move(*made)).first->second;
}

const crypto::Day made = std::chrono::sys_days{std::chrono::year{2026} / 11 / 26};
const crypto::Day end = std::chrono::sys_days{std::chrono::year{2027} / 11 / 26};

/// What a voucher says, unless it says otherwise.
struct Terms {
  std::string box = "paris";
  std::string role = "*";
  std::string link = "*";
  std::string key_of = "paris";
};

/// Geneva, the transmitter, with two introducers and their vouchers for paris.
struct Geneva {
  fs::path directory = fs::temp_directory_path() / std::format("cloister-vouched-{}", ::getpid());
  Geneva() {
    fs::create_directory(directory);
    write("rome", {});
    write("oslo", {});
  }
  Geneva(const Geneva&) = delete;
  Geneva& operator=(const Geneva&) = delete;
  ~Geneva() { fs::remove_all(directory); }

  void write(const std::string& by, const Terms& terms, const std::string& behind = {}) const {
    const auto text = crypto::make_voucher(identity_of(by), {.box = terms.box,
                                                             .role = terms.role,
                                                             .link = terms.link,
                                                             .key = identity_of(terms.key_of).fingerprint(),
                                                             .by = by,
                                                             .date = made,
                                                             .until = end,
                                                             .by_key = {}});
    REQUIRE(text);
    std::ofstream{directory / by} << *text << behind;
  }
  [[nodiscard]] config::Whole configuration() const {
    auto whole = config::parse_whole(
        {{"box.yaml", std::format(R"(box: {{name: geneva, identity: /identity}}
introducers:
  - {{name: rome, key: {}}}
  - {{name: oslo, key: {}}}
links:
  - name: line
    peer: paris
    local_address: 203.0.113.1:7400
    peer_address: 203.0.113.2:7400
    bootstrap:
      vouched:
        by: [rome, oslo]
        vouchers:
          - {}
          - {}
    device: {{driver: simulator, role: alice}}
)",
                                  identity_of("rome").fingerprint().hex, identity_of("oslo").fingerprint().hex,
                                  (directory / "rome").string(), (directory / "oslo").string())}});
    REQUIRE(whole);
    return std::move(*whole);
  }
};

TEST_CASE("The key that enough introducers vouch for is the peer's, on the days on which they do") {
  const Geneva geneva;
  const auto whole = geneva.configuration();
  CHECK(voucher_problems(whole).empty());
  CHECK(voucher_notes(whole.configuration, made).empty());
  const auto trusted = key_vouched_for(whole.configuration.links[0], end);
  REQUIRE(trusted);
  CHECK(trusted->key == identity_of("paris").fingerprint());
  CHECK(trusted->vouched_by.size() == 2);
  CHECK(trusted->until == end);

  const auto after = key_vouched_for(whole.configuration.links[0], end + std::chrono::days{1});
  REQUIRE_FALSE(after);
  CHECK_THAT(after.error().message, ContainsSubstring("ended on 2027-11-26"));
  // The key is known still: a box that its sealed reserve brings back may begin.
  CHECK(vouched_key(whole.configuration.links[0]));
}

TEST_CASE("What is wrong with a voucher is said with its file and the place that names it") {
  const Geneva geneva;
  const auto whole = geneva.configuration();
  std::string_view says;
  SECTION("no file") {
    fs::remove(geneva.directory / "oslo");
    says = "cannot be read";
  }
  SECTION("a changed one") {
    geneva.write("oslo", {}, "x");
    says = "no voucher";
  }
  SECTION("of another box") {
    geneva.write("oslo", {.box = "milan"});
    says = "not for 'paris'";
  }
  SECTION("of another link") {
    geneva.write("oslo", {.link = "other"});
    says = "on link 'other' only";
  }
  SECTION("of the role that is this box's own") {
    geneva.write("oslo", {.role = "alice"});
    says = "as 'alice' only, and it is asked for as 'bob'";
  }
  SECTION("of another key") {
    geneva.write("oslo", {.key_of = "milan"});
    says = "contradict";
  }
  SECTION("of the same box again") {
    fs::copy_file(geneva.directory / "rome", geneva.directory / "oslo", fs::copy_options::overwrite_existing);
    says = "two vouchers of box 'rome'";
  }
  const auto problems = voucher_problems(whole);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].line == 15);
  CHECK(problems[0].column == 13);
  CHECK(problems[0].path == "links[0].bootstrap.vouched.vouchers");
  CHECK_THAT(problems[0].message, ContainsSubstring(std::string{says}) && ContainsSubstring("/oslo'"));
  const auto refused = key_vouched_for(whole.configuration.links[0], made);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == problems[0].message);
}

TEST_CASE("Vouchers of the right role and link are taken, and their dates are noted, not refused") {
  const Geneva geneva;
  geneva.write("oslo", {.role = "bob", .link = "line"});
  const auto whole = geneva.configuration();
  CHECK(voucher_notes(whole.configuration, end).empty());
  for (const auto day : {made - std::chrono::days{1}, end + std::chrono::days{1}}) {
    const auto notes = voucher_notes(whole.configuration, day);
    REQUIRE(notes.size() == 1);
    CHECK_THAT(notes[0],
               ContainsSubstring("link 'line'") && ContainsSubstring("0 of the vouchers for 'paris' count today"));
  }
  CHECK(voucher_problems(whole).empty());
  fs::remove(geneva.directory / "oslo");
  CHECK(voucher_notes(whole.configuration, end + std::chrono::days{1}).empty());
}

}  // namespace
}  // namespace cloister::box
