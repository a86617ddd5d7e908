#include "appliance/vpn/selectors.hpp"

namespace cloister::vpn {
namespace {

struct Addresses {
  bool v6 = false;
  std::span<const std::byte> source;
  std::span<const std::byte> destination;
};

std::optional<Addresses> addresses_of(std::span<const std::byte> packet) {
  if (packet.empty()) return std::nullopt;
  const unsigned version = std::to_integer<unsigned>(packet[0]) >> 4U;
  if (version == 4 && packet.size() >= 20) return Addresses{false, packet.subspan(12, 4), packet.subspan(16, 4)};
  if (version == 6 && packet.size() >= 40) return Addresses{true, packet.subspan(8, 16), packet.subspan(24, 16)};
  return std::nullopt;
}

bool contains(const Prefix& prefix, bool v6, std::span<const std::byte> address) {
  if (prefix.v6 != v6) return false;
  const std::size_t whole = prefix.length / 8;
  for (std::size_t i = 0; i < whole; ++i) {
    if (prefix.address[i] != address[i]) return false;
  }
  const unsigned rest = prefix.length % 8U;
  if (rest == 0) return true;
  const auto mask = static_cast<std::byte>(0xFF00U >> rest);
  return ((prefix.address[whole] ^ address[whole]) & mask) == std::byte{0};
}

/// The length of the longest prefix that contains the address.
std::optional<unsigned> longest(const std::vector<Prefix>& prefixes, bool v6, std::span<const std::byte> address) {
  std::optional<unsigned> best;
  for (const auto& prefix : prefixes) {
    if (contains(prefix, v6, address) && (!best || prefix.length > *best)) best = prefix.length;
  }
  return best;
}

}  // namespace

void SelectorTable::add(std::size_t tunnel, std::vector<Prefix> local, std::vector<Prefix> remote) {
  if (tunnels_.size() <= tunnel) tunnels_.resize(tunnel + 1);
  tunnels_[tunnel] = {std::move(local), std::move(remote)};
}

std::optional<std::size_t> SelectorTable::outbound(std::span<const std::byte> packet) const {
  const auto addresses = addresses_of(packet);
  if (!addresses) return std::nullopt;
  std::optional<std::size_t> chosen;
  std::optional<unsigned> best;
  for (std::size_t i = 0; i < tunnels_.size(); ++i) {
    const auto match = longest(tunnels_[i].remote, addresses->v6, addresses->destination);
    if (!match || (best && *match <= *best) || !longest(tunnels_[i].local, addresses->v6, addresses->source)) continue;
    best = match;
    chosen = i;
  }
  return chosen;
}

bool SelectorTable::inbound_allowed(std::size_t tunnel, std::span<const std::byte> packet) const {
  const auto addresses = addresses_of(packet);
  if (!addresses || tunnel >= tunnels_.size()) return false;
  return longest(tunnels_[tunnel].remote, addresses->v6, addresses->source).has_value() &&
         longest(tunnels_[tunnel].local, addresses->v6, addresses->destination).has_value();
}

}  // namespace cloister::vpn
