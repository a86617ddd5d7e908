// What a link bootstraps by, where other boxes vouch for the peer's key: taken as meant, and each mistake named at its place.
#include <catch2/catch_test_macros.hpp>
#include <format>
#include <string>

#include "config/parse.hpp"

namespace cloister::config {
namespace {

const std::string rome_key(64, 'a');
const std::string oslo_key(64, 'b');

std::string text_of(const std::string& introducers, const std::string& bootstrap) {
  return std::format(R"(box: {{name: geneva, identity: /identity}}
introducers:
{}
links:
  - name: line
    peer: paris
    local_address: 203.0.113.1:7400
    peer_address: 203.0.113.2:7400
    bootstrap:
{}
    device: {{driver: simulator, role: alice}}
)",
                     introducers, bootstrap);
}

const std::string two = std::format("  - {{name: rome, key: {}}}\n  - {{name: oslo, key: {}}}", rome_key, oslo_key);

TEST_CASE("A peer's key is known by the boxes that vouch for it, all of them unless it says how many", "[config]") {
  for (const std::size_t needed : {2UZ, 1UZ}) {
    const auto parsed =
        parse({{"box.yaml",
                text_of(two, std::format("      vouched:\n        by: [rome, oslo]\n{}        vouchers: [/rome, /oslo]",
                                         needed == 2 ? "" : "        needed: 1\n"))}});
    REQUIRE(parsed);
    const auto& vouched = parsed->links[0].bootstrap.vouched;
    CHECK(vouched.by == std::vector<Introducer>{{"rome", rome_key}, {"oslo", oslo_key}});
    CHECK(vouched.needed == needed);
    CHECK(vouched.vouchers == std::vector<std::string>{"/rome", "/oslo"});
  }
}

TEST_CASE("An introducer whose key changes makes another link of each that takes his word", "[config]") {
  const std::string bootstrap = "      vouched: {by: [rome], vouchers: [/rome]}";
  const auto before = parse({{"box.yaml", text_of(two, bootstrap)}});
  auto other = two;
  other.replace(other.find(rome_key), rome_key.size(), std::string(64, 'c'));
  const auto after = parse({{"box.yaml", text_of(other, bootstrap)}});
  REQUIRE(before);
  REQUIRE(after);
  CHECK_FALSE(before->links[0] == after->links[0]);
}

TEST_CASE("A mistake in who vouches is named with its place and its remedy", "[config]") {
  struct Case {
    std::string introducers;
    std::string bootstrap;
    int line, column;
    std::string_view says;
  };
  const auto vouched = [](std::string_view inner) { return std::format("      vouched: {{{}}}", inner); };
  const std::string good = vouched("by: [rome], vouchers: [/rome]");
  const std::vector<Case> cases{
      {two, vouched("by: [rmoe], vouchers: [/rome]"), 11, 22, "did you mean 'rome'"},
      {two, vouched("by: [berlin], vouchers: [/rome]"), 11, 22, "add it there"},
      {two, vouched("by: [], vouchers: [/rome]"), 11, 21, "names nobody"},
      {two, vouched("by: [rome, rome], vouchers: [/rome, /oslo]"), 11, 21, "names one box twice"},
      {two, vouched("vouchers: [/rome]"), 11, 16, "missing"},
      {two, vouched("by: [rome]"), 11, 16, "missing"},
      {two, vouched("by: [rome, oslo], vouchers: [/rome]"), 11, 45, "names 1, and 2 boxes must vouch"},
      {two, vouched("by: [rome], vouchers: [rome]"), 11, 40, "an absolute one"},
      {two, vouched("by: [rome, oslo], vouchers: [/rome, /rome]"), 11, 45, "names one file twice"},
      {two, vouched("by: [rome], needed: 0, vouchers: [/rome]"), 11, 37, "0 boxes must vouch"},
      {two, vouched("by: [rome], needed: 2, vouchers: [/rome]"), 11, 37, "2 boxes must vouch, and 'by' names 1"},
      {two, vouched("by: [rome], needed: many, vouchers: [/rome]"), 11, 37, "whole number"},
      {two, vouched("by: [rome], vouchers: [/rome], until: never"), 11, 48, "unknown key 'until'"},
      {two, good + "\n      trust: " + rome_key, 11, 16, "stands beside 'trust'"},
      {two, good + "\n      ca: /ca\n      crl: /crl", 12, 11, "stands beside 'vouched'"},
      {std::format("  - {{name: rome, key: {}}}\n  - {{name: paris, key: {}}}", rome_key, oslo_key),
       vouched("by: [paris], vouchers: [/rome]"), 11, 21, "the peer itself"},
      {std::format("  - {{name: rome, key: {}}}\n  - {{name: rome, key: {}}}", rome_key, oslo_key), good, 4, 12,
       "stands here already"},
      {std::format("  - {{name: rome, key: {}}}\n  - {{name: oslo, key: {}}}", rome_key, rome_key), good, 4, 23,
       "one voice"},
      {std::format("  - {{name: rome, key: {}}}\n  - {{name: geneva, key: {}}}", rome_key, oslo_key), good, 4, 12,
       "is this box"},
      {"  - {name: rome, key: abc}\n  - {name: oslo, key: abd}", good, 3, 23, "64 hexadecimal digits"},
  };
  for (const auto& [introducers, bootstrap, line, column, says] : cases) {
    const auto parsed = parse({{"box.yaml", text_of(introducers, bootstrap)}});
    INFO(bootstrap);
    REQUIRE_FALSE(parsed);
    std::string all;
    bool named = false;
    for (const auto& diagnostic : parsed.error()) {
      all += to_string(diagnostic) + "\n";
      named = named || (diagnostic.line == line && diagnostic.column == column && diagnostic.message.contains(says));
    }
    INFO("expected " << line << ':' << column << ": " << says << "\n" << all);
    CHECK(named);
  }
  auto without_key = text_of(two, good);
  without_key.replace(without_key.find(", identity: /identity"), 21, "");
  const auto parsed = parse({{"box.yaml", without_key}});
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().front().message.contains("needs a key of this box"));
}

TEST_CASE("Each value that a file gives has its place, each of a list its own", "[config]") {
  const auto settings = parse_settings(
      {{"box.yaml", text_of(two, "      vouched:\n        by: [rome]\n        vouchers:\n          - /rome")}});
  REQUIRE(settings);
  const auto found = std::ranges::find(*settings, "links[0].bootstrap.vouched.vouchers", &Setting::path);
  REQUIRE(found != settings->end());
  const auto diagnostic = diagnostic_at(*found, 0, "is wrong");
  CHECK(to_string(diagnostic) ==
        "box.yaml:14:13: links[0].bootstrap.vouched.vouchers: is wrong\n            - /rome\n              ^");
}

}  // namespace
}  // namespace cloister::config
