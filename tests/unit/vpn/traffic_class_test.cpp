// Congestion that the outer packet has met comes to the inner one.
#include "appliance/vpn/traffic_class.hpp"

#include <array>
#include <catch2/catch_test_macros.hpp>

#include "tests/unit/vpn/inner_packets.hpp"

namespace cloister::vpn {
namespace {

TEST_CASE("The class of a packet is its eight bits", "[vpn]") {
  for (const bool v6 : {false, true}) {
    for (unsigned value = 0; value < 256; ++value)
      REQUIRE(traffic_class_of(packet_of({.v6 = v6, .traffic_class = static_cast<std::uint8_t>(value)}, {})) == value);
  }
}

TEST_CASE("Inner and outer ECN give what RFC 6040's figure 4 says", "[vpn]") {
  constexpr int drop = -1;
  // Rows: inner Not-ECT, ECT(1), ECT(0), CE; columns: outer the same.
  constexpr std::array<std::array<int, 4>, 4> figure{{{0, 0, 0, drop}, {1, 1, 1, 3}, {2, 1, 2, 3}, {3, 3, 3, 3}}};
  for (const bool v6 : {false, true}) {
    for (unsigned inner = 0; inner < 4; ++inner) {
      for (unsigned outer = 0; outer < 4; ++outer) {
        auto packet = packet_of({.v6 = v6, .traffic_class = static_cast<std::uint8_t>(0xB8U | inner)}, Bytes(40));
        INFO((v6 ? "IPv6, inner " : "IPv4, inner ") << inner << ", outer " << outer);
        const int expected = figure[inner][outer];
        CHECK(take_congestion(packet, static_cast<std::uint8_t>(0x28U | outer)) == (expected != drop));
        if (expected == drop) continue;
        // DSCP is the inner one's own.
        CHECK(packet == packet_of({.v6 = v6, .traffic_class = static_cast<std::uint8_t>(0xB8 | expected)}, Bytes(40)));
      }
    }
  }
}

}  // namespace
}  // namespace cloister::vpn
