// Prefixes less others, held to what each address says.
#include "appliance/network/prefix_difference.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <random>

namespace cloister::network {
namespace {

RoutePrefix prefix(std::uint32_t address, std::uint8_t length) {
  RoutePrefix made{.length = length};
  const std::uint32_t mask = length == 0 ? 0 : ~std::uint32_t{0} << (32U - length);
  for (unsigned i = 0; i < 4; ++i) made.address[i] = static_cast<std::byte>((address & mask) >> (24 - 8 * i));
  return made;
}

bool holds(const std::vector<RoutePrefix>& prefixes, std::uint32_t address) {
  return std::ranges::any_of(prefixes, [&](const RoutePrefix& one) { return prefix(address, one.length) == one; });
}

TEST_CASE("A hole leaves a prefix for each bit that it is longer", "[network]") {
  const auto left = difference({prefix(0, 0)}, {prefix(0xC0000200, 24)});
  CHECK(left.size() == 24);
  CHECK_FALSE(holds(left, 0xC0000207));
  CHECK(holds(left, 0xC0000307));
  CHECK(holds(left, 0x0A000001));
  CHECK(holds(left, 0xFFFFFFFF));
}

TEST_CASE("A hole that holds the prefix leaves nothing, one elsewhere or of the other family all", "[network]") {
  CHECK(difference({prefix(0x0A010000, 16)}, {prefix(0x0A000000, 8)}).empty());
  CHECK(difference({prefix(0x0A010000, 16)}, {prefix(0x0A010000, 16)}).empty());
  CHECK(difference({prefix(0x0A010000, 16)}, {prefix(0x0A020000, 16)}).size() == 1);
  CHECK(difference({prefix(0, 0)}, {RoutePrefix{.v6 = true, .length = 0}}).size() == 1);
}

TEST_CASE("An address is left where it is in one of the prefixes and in none of the holes", "[network]") {
  std::mt19937 random{20};
  const auto some = [&](std::size_t most) {
    std::vector<RoutePrefix> made(random() % most);
    // Of few addresses, so that they nest.
    for (auto& one : made)
      one = prefix(0x0A000000U | (random() & 0xFFFU), static_cast<std::uint8_t>(20 + random() % 13));
    return made;
  };
  for (int round = 0; round < 200; ++round) {
    const auto all = some(6);
    const auto holes = some(6);
    const auto left = difference(all, holes);
    for (std::uint32_t host = 0; host < 0x1000; ++host) {
      const auto address = 0x0A000000U | host;
      if (holds(left, address) != (holds(all, address) && !holds(holes, address))) {
        FAIL("round " << round << ", host " << host);
      }
    }
  }
}

}  // namespace
}  // namespace cloister::network
