// What is no mistake, but must be known.
#include "config/notes.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "config/units.hpp"

namespace cloister::config {
namespace {

Tunnel tunnel(const std::string& name, const std::string& local, const std::string& remote) {
  Tunnel made;
  made.name = name;
  made.local_subnets = {parse_prefix(local).value()};
  made.remote_subnets = {parse_prefix(remote).value()};
  return made;
}

TEST_CASE("A box that passes packets on from tunnel to tunnel says so, for each direction", "[config]") {
  Configuration configuration;
  configuration.tunnels = {tunnel("north", "10.2.0.0/16", "10.1.0.0/16"),
                           tunnel("south", "10.1.7.0/24", "10.3.0.0/16")};
  const auto notes = notes_on(configuration);
  REQUIRE(notes.size() == 1);
  CHECK_THAT(notes[0], Catch::Matchers::ContainsSubstring("'south' takes 10.1.7.0/24 as local") &&
                           Catch::Matchers::ContainsSubstring("behind tunnel 'north' (10.1.0.0/16)"));
  configuration.tunnels[0].local_subnets.push_back(parse_prefix("10.3.0.0/16").value());
  CHECK(notes_on(configuration).size() == 2);
}

TEST_CASE("A box that routes by the kernel's table says once that it passes on; alone, there is nothing to",
          "[config]") {
  Configuration configuration;
  configuration.tunnels = {tunnel("one", "10.1.0.0/16", "10.0.0.0/8"), tunnel("two", "10.1.0.0/16", "10.0.0.0/8"),
                           tunnel("three", "10.1.0.0/16", "10.0.0.0/8")};
  for (auto& one : configuration.tunnels) one.routing = Routing::kernel;
  const auto notes = notes_on(configuration);
  REQUIRE(notes.size() == 1);
  CHECK_THAT(notes[0], Catch::Matchers::ContainsSubstring("tunnel 'one' has 'routing: kernel'"));
  configuration.tunnels.resize(1);
  CHECK(notes_on(configuration).empty());
}

TEST_CASE("What a constant rate takes of the black network is reckoned", "[config]") {
  Configuration configuration;
  configuration.tunnels = {tunnel("one", "10.1.0.0/16", "10.2.0.0/16")};
  auto& one = configuration.tunnels[0];
  one.peer_endpoint = parse_endpoint("203.0.113.2:4500").value();
  one.constant_packets_per_second = 1000;
  // 20 IP, 8 UDP, 8 SPI and sequence, 8 IV, 4 + 1420 + 2 padded to 1428, 16 ICV.
  const auto notes = notes_on(configuration);
  REQUIRE(notes.size() == 1);
  CHECK_THAT(notes[0], Catch::Matchers::ContainsSubstring("1000 datagrams of 1488 bytes a second") &&
                           Catch::Matchers::ContainsSubstring("11.9 Mbit/s each way of what leads to 203.0.113.2"));
  one.peer_endpoint = parse_endpoint("[2001:db8::2]:4500").value();
  CHECK_THAT(notes_on(configuration)[0], Catch::Matchers::ContainsSubstring("of 1508 bytes"));
}

TEST_CASE("Tunnels that share a local subnet pass nothing on", "[config]") {
  Configuration configuration;
  configuration.tunnels = {tunnel("one", "10.1.0.0/16", "10.2.0.0/16"), tunnel("two", "10.1.0.0/16", "10.3.0.0/16")};
  CHECK(notes_on(configuration).empty());
}

}  // namespace
}  // namespace cloister::config
