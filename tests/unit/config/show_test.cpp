// What a configuration is in effect, shown, compared and described: by the same reading that checks it.
#include <algorithm>
#include <boost/json.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>

#include "config/parse.hpp"
#include "config/schema.hpp"
#include "config/show.hpp"

namespace cloister::config {
namespace {
using Catch::Matchers::ContainsSubstring;

const std::string two_links = R"(box: {name: geneva}
links:
  - {name: line, peer: paris, local_address: "203.0.113.1:7400", peer_address: "203.0.113.2:7400", bootstrap: {psk: /p}, device: {driver: simulator, role: bob}}
  - {name: six, peer: rome, local_address: "[2001:db8::1]:7400", peer_address: "[2001:db8::2]:7400", bootstrap: {psk: "/#p: q"}, device: {driver: simulator, role: alice}}
tunnels:
  - {name: office, link: six, local_subnets: [192.0.2.0/24], remote_subnets: [198.51.100.0/24, "2001:db8:1::/48"], local_endpoint: 203.0.113.1:4500, peer_endpoint: 203.0.113.2:4500, rekey_interval: 5s}
)";

TEST_CASE("What is shown reads back as the same settings, with nothing left to a default", "[config]") {
  const auto settings = parse_settings({{"box.yaml", two_links}});
  REQUIRE(settings);
  const auto yaml = to_yaml(*settings);
  INFO(yaml);
  const auto again = parse_settings({{"shown.yaml", yaml}});
  REQUIRE(again);
  CHECK(differences(*settings, *again).empty());
  for (const auto& setting : *again) CHECK(setting.given);
}

TEST_CASE("Defaults are marked, values that follow from others too, and given ones are not", "[config]") {
  const auto settings = parse_settings({{"box.yaml", two_links}});
  REQUIRE(settings);
  const auto yaml = to_yaml(*settings);
  CHECK_THAT(yaml, ContainsSubstring("    key_lifetime: 15s  # default\n"));
  CHECK_THAT(yaml, ContainsSubstring("    interface: cl-office  # default\n"));
  CHECK_THAT(yaml, ContainsSubstring("    rekey_interval: 5s\n"));
  CHECK_THAT(yaml,
             ContainsSubstring(
                 "    authentication:\n      policy: its-preferred  # default\n      reserve: 16 KiB  # default\n"));
}

TEST_CASE("What happens when keys run out is one word or a time, and is shown as it is said", "[config]") {
  const auto with = [](const std::string& policy) {
    std::string text = two_links;
    const std::string at = "rekey_interval: 5s";
    return parse_settings(
        {{"box.yaml", text.replace(text.find(at), at.size(), at + ", when_keys_run_out: " + policy)}});
  };
  const auto extend = with("{extend: {for: 10min}}");
  REQUIRE(extend);
  const auto yaml = to_yaml(*extend);
  CHECK_THAT(yaml, ContainsSubstring("    when_keys_run_out:\n      extend:\n        for: 10min\n"));
  const auto again = parse_settings({{"shown.yaml", yaml}});
  REQUIRE(again);
  CHECK(differences(*extend, *again).empty());
  const auto exchange = with("pqc");
  REQUIRE(exchange);
  CHECK_THAT(to_yaml(*exchange), ContainsSubstring("    when_keys_run_out: pqc\n"));
  const auto changes = differences(*extend, *exchange);
  REQUIRE(changes.size() == 2);
  CHECK(changes[0].path == "tunnels[office].when_keys_run_out.extend.for");
  for (const auto& [policy, message] : std::vector<std::pair<std::string, std::string>>{
           {"extend", "expected 'block', 'pqc', or 'extend: {for: 10min}'"},
           {"{extend: {}}", "is missing: it has no default"},
           {"{extend: 10min}", "expected keys and values, indented below it"},
           {"{extend: {for: 0s}}", "out of range"},
           {"{pqc: {for: 1s}}", "unknown key 'pqc'"}}) {
    const auto refused = with(policy);
    REQUIRE_FALSE(refused);
    std::string all;
    for (const auto& diagnostic : refused.error()) all += to_string(diagnostic) + "\n";
    CHECK_THAT(all, ContainsSubstring(message));
  }
}

TEST_CASE("Two files differ by what is in force, not by how it is said or ordered", "[config]") {
  std::string changed = two_links;
  const auto replace = [&](const std::string& from, const std::string& to) {
    changed.replace(changed.find(from), from.size(), to);
  };
  // The two links change places; a default is written out; 5 s are said in milliseconds.
  const auto second = changed.find("  - {name: six");
  const auto tunnels = changed.find("tunnels:");
  const std::string six = changed.substr(second, tunnels - second);
  changed.erase(second, six.size());
  changed.insert(changed.find("  - {name: line"), six);
  replace("rekey_interval: 5s", "rekey_interval: 5000ms, mtu: 1420");
  const auto before = parse_settings({{"a.yaml", two_links}});
  auto after = parse_settings({{"b.yaml", changed}});
  REQUIRE((before && after));
  CHECK(differences(*before, *after).empty());

  replace("mtu: 1420", "mtu: 1400");
  replace("name: six, peer: rome", "name: six, peer: oslo");
  after = parse_settings({{"b.yaml", changed}});
  REQUIRE(after);
  const auto found = differences(*before, *after);
  REQUIRE(found.size() == 2);
  CHECK(found[0].path == "links[six].peer");
  CHECK((found[0].before == "rome" && found[0].after == "oslo"));
  CHECK(found[1].path == "tunnels[office].mtu");
  CHECK((found[1].before == "1420" && found[1].after == "1400"));
}

TEST_CASE("The schema knows every key of a file, what is required, and the choices", "[config]") {
  const auto schema = boost::json::parse(json_schema(all_settings())).as_object();
  const auto& link = schema.at("properties").at("links").at("items");
  CHECK(schema.at("required") == boost::json::array{"box", "links"});
  CHECK(link.at("required").as_array().size() == 5);
  CHECK(link.at("properties").at("name").at("type") == "string");
  CHECK(link.at("properties").at("device").at("properties").at("role").at("enum") ==
        boost::json::array{"alice", "bob"});
  const auto& tunnel = schema.at("properties").at("tunnels").at("items").at("properties");
  CHECK(tunnel.at("mtu").at("default") == 1420);
  CHECK(tunnel.at("mtu").at("type") == "integer");
  CHECK((tunnel.at("mtu").at("minimum") == 576 && tunnel.at("mtu").at("maximum") == 1900));
  CHECK(tunnel.at("local_subnets").at("minItems") == 1);
  const auto& without_keys = tunnel.at("when_keys_run_out").at("anyOf").as_array();
  CHECK(without_keys[0].at("enum") == boost::json::array{"block", "pqc"});
  CHECK(without_keys[0].at("default") == "block");
  CHECK(without_keys[1].at("properties").at("extend").at("required") == boost::json::array{"for"});
  const auto& required = schema.at("properties").at("tunnels").at("items").at("required").as_array();
  CHECK(std::ranges::find(required, boost::json::value("when_keys_run_out")) == required.end());
  CHECK(tunnel.at("interface").at("pattern") == "^[A-Za-z0-9-]{1,15}$");

  const auto settings = load_settings(CLOISTER_EXAMPLES "/geneva.yaml");
  REQUIRE(settings);
  for (const auto& setting : *settings) {
    const boost::json::object* map = &schema;
    std::string path = setting.path;
    while (!path.empty()) {
      const auto dot = path.find('.');
      const auto segment = path.substr(0, dot);
      const auto key = segment.substr(0, segment.find('['));
      INFO(setting.path);
      REQUIRE(map->at("properties").as_object().contains(key));
      map = &map->at("properties").at(key).as_object();
      if (segment.ends_with(']')) map = &map->at("items").as_object();
      path = dot == std::string::npos ? "" : path.substr(dot + 1);
    }
  }
}

}  // namespace
}  // namespace cloister::config
