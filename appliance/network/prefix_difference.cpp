#include "appliance/network/prefix_difference.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace cloister::network {
namespace {

bool bit(const RoutePrefix& prefix, unsigned number) {
  return (std::to_integer<unsigned>(prefix.address[number / 8]) >> (7 - number % 8) & 1U) != 0;
}

/// Whether all of `inner` is in `outer`.
bool contains(const RoutePrefix& outer, const RoutePrefix& inner) {
  if (outer.v6 != inner.v6 || outer.length > inner.length) return false;
  for (unsigned number = 0; number < outer.length; ++number) {
    if (bit(outer, number) != bit(inner, number)) return false;
  }
  return true;
}

/// The half of a prefix that the hole, which is within it, is not in; the prefix becomes the other half.
RoutePrefix split_off(RoutePrefix& prefix, const RoutePrefix& hole) {
  const unsigned number = prefix.length;
  const auto flag = static_cast<std::byte>(0x80U >> (number % 8));
  ++prefix.length;
  auto without = prefix;
  (bit(hole, number) ? prefix : without).address[number / 8] |= flag;
  return without;
}

std::vector<RoutePrefix> difference(RoutePrefix prefix, const RoutePrefix& hole) {
  if (contains(hole, prefix)) return {};
  if (!contains(prefix, hole)) return {prefix};
  std::vector<RoutePrefix> left;
  while (prefix.length < hole.length) left.push_back(split_off(prefix, hole));
  return left;
}

}  // namespace

std::vector<RoutePrefix> difference(const std::vector<RoutePrefix>& all, const std::vector<RoutePrefix>& holes) {
  auto left = all;
  for (const auto& hole : holes) {
    std::vector<RoutePrefix> next;
    for (const auto& prefix : left) std::ranges::copy(difference(prefix, hole), std::back_inserter(next));
    left = std::move(next);
  }
  return left;
}

}  // namespace cloister::network
