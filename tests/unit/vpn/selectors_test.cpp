// Which packet belongs to which tunnel, and which may come out of it.
#include <catch2/catch_test_macros.hpp>

#include "appliance/vpn/selectors.hpp"

namespace cloister::vpn {
namespace {

Prefix v4(std::initializer_list<unsigned> bytes, std::uint8_t length) {
  Prefix prefix{.length = length};
  std::size_t i = 0;
  for (const auto byte : bytes) prefix.address[i++] = static_cast<std::byte>(byte);
  return prefix;
}

std::vector<std::byte> packet(std::initializer_list<unsigned> source, std::initializer_list<unsigned> destination) {
  std::vector<std::byte> bytes(20);
  bytes[0] = std::byte{0x45};
  std::size_t i = 12;
  for (const auto byte : source) bytes[i++] = static_cast<std::byte>(byte);
  for (const auto byte : destination) bytes[i++] = static_cast<std::byte>(byte);
  return bytes;
}

SelectorTable table() {
  SelectorTable selectors;
  selectors.add(0, {v4({192, 0, 2, 0}, 24)}, {v4({198, 51, 100, 0}, 24)});
  selectors.add(1, {v4({192, 0, 2, 0}, 24)}, {v4({198, 51, 100, 128}, 25)});
  return selectors;
}

TEST_CASE("A packet goes into the tunnel of its addresses, the longest prefix first; others go nowhere",
          "[selectors]") {
  const auto selectors = table();
  CHECK(selectors.outbound(packet({192, 0, 2, 9}, {198, 51, 100, 9})) == 0U);
  CHECK(selectors.outbound(packet({192, 0, 2, 9}, {198, 51, 100, 200})) == 1U);
  CHECK_FALSE(selectors.outbound(packet({192, 0, 3, 9}, {198, 51, 100, 9})));
  CHECK_FALSE(selectors.outbound(packet({192, 0, 2, 9}, {203, 0, 113, 1})));
}

TEST_CASE("Of many prefixes around an address the longest decides, whatever order they were added in", "[selectors]") {
  for (const bool widest_first : {false, true}) {
    SelectorTable selectors;
    for (unsigned step = 0; step <= 32; ++step) {
      const unsigned length = widest_first ? step : 32 - step;
      auto prefix = v4({198, 51, 100, 7}, static_cast<std::uint8_t>(length));
      for (unsigned bit = length; bit < 32; ++bit) prefix.address[bit / 8] &= ~(std::byte{0x80} >> (bit % 8));
      selectors.add(length, {v4({}, 0)}, {prefix});
    }
    CHECK(selectors.outbound(packet({192, 0, 2, 9}, {198, 51, 100, 7})) == 32U);
    CHECK(selectors.outbound(packet({192, 0, 2, 9}, {198, 51, 100, 6})) == 31U);
    CHECK(selectors.outbound(packet({192, 0, 2, 9}, {198, 51, 100, 8})) == 28U);
    CHECK(selectors.outbound(packet({192, 0, 2, 9}, {198, 51, 101, 7})) == 23U);
    CHECK(selectors.outbound(packet({192, 0, 2, 9}, {10, 0, 0, 1})) == 0U);
  }
}

TEST_CASE("A longer prefix whose local subnets the source is not of leaves the packet to a shorter one",
          "[selectors]") {
  SelectorTable selectors;
  selectors.add(0, {v4({192, 0, 2, 0}, 24)}, {v4({198, 51, 0, 0}, 16)});
  selectors.add(1, {v4({192, 0, 3, 0}, 24)}, {v4({198, 51, 100, 0}, 24)});
  CHECK(selectors.outbound(packet({192, 0, 2, 9}, {198, 51, 100, 9})) == 0U);
  CHECK(selectors.outbound(packet({192, 0, 3, 9}, {198, 51, 100, 9})) == 1U);
}

std::vector<std::byte> packet_v6(unsigned source, unsigned destination) {
  std::vector<std::byte> bytes(40);
  bytes[0] = std::byte{0x60};
  bytes[8] = static_cast<std::byte>(source >> 8U);
  bytes[9] = static_cast<std::byte>(source);
  bytes[24] = static_cast<std::byte>(destination >> 8U);
  bytes[25] = static_cast<std::byte>(destination);
  return bytes;
}

TEST_CASE("A routed tunnel is not found by addresses; it takes what is within its networks, and what is of the link",
          "[selectors]") {
  auto selectors = table();
  selectors.add_routed(2, {v4({10, 1, 0, 0}, 16)}, {v4({10, 0, 0, 0}, 8)});
  CHECK_FALSE(selectors.outbound(packet({10, 1, 0, 9}, {10, 2, 0, 9})));
  CHECK(selectors.routed_allowed(2, packet({10, 1, 0, 9}, {10, 2, 0, 9})));
  CHECK(selectors.routed_allowed(2, packet({10, 3, 0, 9}, {10, 2, 0, 9})));  // passed on between two others
  CHECK(selectors.routed_allowed(2, packet({169, 254, 0, 1}, {224, 0, 0, 5})));
  CHECK(selectors.routed_allowed(2, packet_v6(0xFE80, 0xFF02)));
  CHECK_FALSE(selectors.routed_allowed(2, packet({10, 1, 0, 9}, {224, 0, 1, 5})));
  CHECK_FALSE(selectors.routed_allowed(2, packet({10, 1, 0, 9}, {198, 51, 100, 9})));
  CHECK_FALSE(selectors.routed_allowed(2, packet({192, 0, 2, 9}, {10, 2, 0, 9})));
  CHECK_FALSE(selectors.routed_allowed(2, packet_v6(0x2001, 0xFF02)));
  CHECK_FALSE(selectors.routed_allowed(0, packet({192, 0, 2, 9}, {198, 51, 100, 9})));  // not a routed one
  CHECK_FALSE(selectors.routed_allowed(3, packet({10, 1, 0, 9}, {10, 2, 0, 9})));       // none
}

TEST_CASE("A routed tunnel neither takes nor gives what is another tunnel's by its subnets", "[selectors]") {
  auto selectors = table();
  selectors.add_routed(2, {v4({192, 0, 2, 0}, 24)}, {v4({}, 0)});
  CHECK_FALSE(selectors.routed_allowed(2, packet({192, 0, 2, 9}, {198, 51, 100, 9})));
  CHECK(selectors.routed_allowed(2, packet({192, 0, 2, 9}, {198, 51, 101, 9})));
  CHECK_FALSE(selectors.inbound_allowed(2, packet({198, 51, 100, 9}, {192, 0, 2, 9})));
  CHECK(selectors.inbound_allowed(2, packet({198, 51, 101, 9}, {192, 0, 2, 9})));
}

TEST_CASE("What carries a tunnel is not routed into one, and out of one nobody speaks to, or as, this box's outside",
          "[selectors]") {
  SelectorTable selectors;
  selectors.add_routed(0, {v4({192, 0, 2, 0}, 24)}, {v4({}, 0)});
  selectors.add_carrier(v4({203, 0, 113, 1}, 32), v4({203, 0, 113, 2}, 32));
  selectors.add_own(v4({10, 255, 0, 1}, 32));
  CHECK_FALSE(selectors.routed_allowed(0, packet({203, 0, 113, 1}, {203, 0, 113, 2})));
  CHECK(selectors.routed_allowed(0, packet({203, 0, 113, 1}, {203, 0, 113, 3})));
  CHECK(selectors.routed_allowed(0, packet({192, 0, 2, 9}, {203, 0, 113, 2})));
  CHECK_FALSE(selectors.inbound_allowed(0, packet({203, 0, 113, 2}, {203, 0, 113, 1})));
  CHECK_FALSE(selectors.inbound_allowed(0, packet({203, 0, 113, 1}, {192, 0, 2, 9})));
  CHECK_FALSE(selectors.inbound_allowed(0, packet({10, 255, 0, 1}, {192, 0, 2, 9})));
  CHECK(selectors.inbound_allowed(0, packet({10, 255, 0, 2}, {10, 255, 0, 1})));
}

TEST_CASE("From within a network nobody speaks to a neighbour of this box by a link-local address", "[selectors]") {
  SelectorTable selectors;
  selectors.add_routed(0, {v4({10, 1, 0, 0}, 16)}, {v4({10, 0, 0, 0}, 8)});
  CHECK_FALSE(selectors.inbound_allowed(0, packet({10, 2, 0, 9}, {169, 254, 169, 254})));
  CHECK_FALSE(selectors.inbound_allowed(0, packet({169, 254, 0, 1}, {10, 1, 0, 9})));
  CHECK(selectors.inbound_allowed(0, packet({169, 254, 0, 1}, {169, 254, 0, 2})));
  CHECK(selectors.inbound_allowed(0, packet({10, 2, 0, 9}, {224, 0, 0, 5})));
}

TEST_CASE("Out of a routed tunnel nobody speaks as a host behind this box", "[selectors]") {
  SelectorTable selectors;
  selectors.add_routed(0, {v4({10, 1, 0, 0}, 16)}, {v4({10, 0, 0, 0}, 8)});
  CHECK(selectors.inbound_allowed(0, packet({10, 2, 0, 9}, {10, 1, 0, 9})));
  CHECK(selectors.inbound_allowed(0, packet({10, 2, 0, 9}, {10, 3, 0, 9})));
  CHECK_FALSE(selectors.inbound_allowed(0, packet({10, 1, 0, 8}, {10, 1, 0, 9})));
  CHECK_FALSE(selectors.inbound_allowed(0, packet({10, 2, 0, 9}, {203, 0, 113, 9})));
}

TEST_CASE("A packet that comes out of a tunnel must come from behind the peer and go behind this box", "[selectors]") {
  const auto selectors = table();
  CHECK(selectors.inbound_allowed(0, packet({198, 51, 100, 9}, {192, 0, 2, 9})));
  CHECK_FALSE(selectors.inbound_allowed(0, packet({192, 0, 2, 8}, {192, 0, 2, 9})));
  CHECK_FALSE(selectors.inbound_allowed(0, packet({198, 51, 100, 9}, {203, 0, 113, 9})));
  CHECK_FALSE(selectors.inbound_allowed(1, packet({198, 51, 100, 9}, {192, 0, 2, 9})));
}

TEST_CASE("What is no whole IP packet belongs to no tunnel", "[selectors]") {
  const auto selectors = table();
  auto bytes = packet({192, 0, 2, 9}, {198, 51, 100, 9});
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    const std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
    REQUIRE_FALSE(selectors.outbound(cut));
    REQUIRE_FALSE(selectors.inbound_allowed(0, cut));
  }
  bytes[0] = std::byte{0x55};
  CHECK_FALSE(selectors.outbound(bytes));
}

}  // namespace
}  // namespace cloister::vpn
