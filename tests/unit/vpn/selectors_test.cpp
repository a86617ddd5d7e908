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
