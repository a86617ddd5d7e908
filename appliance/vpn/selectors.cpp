#include "appliance/vpn/selectors.hpp"

#include <algorithm>
#include <bit>

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

bool any_contains(const std::vector<Prefix>& prefixes, bool v6, std::span<const std::byte> address) {
  return std::ranges::any_of(prefixes, [&](const Prefix& prefix) { return contains(prefix, v6, address); });
}

Prefix link_prefix(bool v6, unsigned a, unsigned b, std::uint8_t length) {
  return {.address = {std::byte(a), std::byte(b)}, .v6 = v6, .length = length};
}

/// RFC 3927; RFC 4291, section 2.5.6.
bool is_link_local(bool v6, std::span<const std::byte> address) {
  static const Prefix v4_unicast = link_prefix(false, 169, 254, 16);
  static const Prefix v6_unicast = link_prefix(true, 0xFE, 0x80, 10);
  return contains(v6 ? v6_unicast : v4_unicast, v6, address);
}

/// RFC 5771, section 4; RFC 4291, section 2.7.
bool is_link_group(bool v6, std::span<const std::byte> address) {
  static const Prefix v4_groups = link_prefix(false, 224, 0, 24);
  static const Prefix v6_groups = link_prefix(true, 0xFF, 0x02, 16);
  return contains(v6 ? v6_groups : v4_groups, v6, address);
}

/// Between two networks; between neighbours on the link; or from either to a group on it.
bool within_routed(const std::vector<Prefix>& within, const Addresses& addresses) {
  const auto& [v6, from, to] = addresses;
  const bool from_link = is_link_local(v6, from);
  if (from_link && is_link_local(v6, to)) return true;
  const bool from_network = any_contains(within, v6, from);
  if (is_link_group(v6, to)) return from_link || from_network;
  return from_network && any_contains(within, v6, to);
}

}  // namespace

std::size_t SelectorTable::Hash::operator()(const Key& key) const {
  constexpr std::uint64_t odd = 0x9E3779B97F4A7C15U;  // 2^64 over the golden ratio (Knuth, 6.4)
  const std::uint64_t mixed = (key.address[0] ^ std::rotl(key.address[1] * odd, 32)) * odd;
  return mixed ^ (mixed >> 32U);
}

SelectorTable::Key SelectorTable::key_of(std::span<const std::byte> address, unsigned bits) {
  std::array<std::byte, 16> masked{};
  std::ranges::copy(address.first((bits + 7) / 8), masked.begin());
  if (bits % 8 != 0) masked[bits / 8] &= static_cast<std::byte>(0xFF00U >> (bits % 8));
  return std::bit_cast<Key>(masked);
}

void SelectorTable::add(std::size_t tunnel, std::vector<Prefix> local, std::vector<Prefix> remote) {
  if (tunnels_.size() <= tunnel) tunnels_.resize(tunnel + 1);
  for (const auto& prefix : remote) {
    auto& lengths = remote_[prefix.v6 ? 1 : 0];
    auto at = std::ranges::lower_bound(lengths, prefix.length, std::ranges::greater{}, &Length::bits);
    if (at == lengths.end() || at->bits != prefix.length) at = lengths.insert(at, Length{prefix.length, {}});
    at->tunnels[key_of(prefix.address, prefix.length)].push_back(tunnel);
  }
  tunnels_[tunnel] = {.local = std::move(local), .remote = std::move(remote)};
}

void SelectorTable::add_routed(std::size_t tunnel, std::vector<Prefix> local, std::vector<Prefix> within) {
  if (tunnels_.size() <= tunnel) tunnels_.resize(tunnel + 1);
  tunnels_[tunnel] = {.local = std::move(local), .within = std::move(within), .routed = true};
}

void SelectorTable::add(Hosts& hosts, const Prefix& host) {
  hosts[host.v6 ? 1 : 0].insert(key_of(host.address, host.v6 ? 128 : 32));
}

bool SelectorTable::has(const Hosts& hosts, bool v6, std::span<const std::byte> address) {
  return hosts[v6 ? 1 : 0].contains(key_of(address, v6 ? 128 : 32));
}

void SelectorTable::add_own(const Prefix& address) { add(own_, address); }

void SelectorTable::add_carrier(const Prefix& own, const Prefix& peer) {
  add(carriers_own_, own);
  add(carriers_peers_, peer);
}

bool SelectorTable::is_remote(bool v6, std::span<const std::byte> address) const {
  return std::ranges::any_of(
      remote_[v6 ? 1 : 0], [&](const Length& length) { return length.tunnels.contains(key_of(address, length.bits)); });
}

std::optional<std::size_t> SelectorTable::outbound(std::span<const std::byte> packet) const {
  const auto addresses = addresses_of(packet);
  if (!addresses) return std::nullopt;
  for (const auto& length : remote_[addresses->v6 ? 1 : 0]) {
    const auto found = length.tunnels.find(key_of(addresses->destination, length.bits));
    if (found == length.tunnels.end()) continue;
    for (const std::size_t tunnel : found->second) {
      if (any_contains(tunnels_[tunnel].local, addresses->v6, addresses->source)) return tunnel;
    }
  }
  return std::nullopt;
}

bool SelectorTable::routed_allowed(std::size_t tunnel, std::span<const std::byte> packet) const {
  const auto addresses = addresses_of(packet);
  if (!addresses || tunnel >= tunnels_.size() || !tunnels_[tunnel].routed) return false;
  const auto& [v6, from, to] = *addresses;
  const bool carries = has(carriers_peers_, v6, to) && has(carriers_own_, v6, from);
  return !carries && !is_remote(v6, to) && within_routed(tunnels_[tunnel].within, *addresses);
}

bool SelectorTable::inbound_allowed(std::size_t tunnel, std::span<const std::byte> packet) const {
  const auto addresses = addresses_of(packet);
  if (!addresses || tunnel >= tunnels_.size()) return false;
  if (tunnels_[tunnel].routed) {
    const auto& [v6, from, to] = *addresses;
    const bool spoken_for = any_contains(tunnels_[tunnel].local, v6, from) || is_remote(v6, from) ||
                            has(own_, v6, from) || has(carriers_own_, v6, from);
    return !spoken_for && !has(carriers_own_, v6, to) && within_routed(tunnels_[tunnel].within, *addresses);
  }
  return any_contains(tunnels_[tunnel].remote, addresses->v6, addresses->source) &&
         any_contains(tunnels_[tunnel].local, addresses->v6, addresses->destination);
}

}  // namespace cloister::vpn
