#include "appliance/keys/store.hpp"

#include <algorithm>
#include <format>

#include "appliance/hooks/simulation_hooks.hpp"
#include "appliance/wire/reader.hpp"
#include "appliance/wire/writer.hpp"

namespace cloister::keys {
namespace {

hooks::BitRole role_of(StockUse use) {
  switch (use) {
    case StockUse::keys:
      return hooks::BitRole::tunnel_key;
    case StockUse::pad_to_server:
      return hooks::BitRole::traffic_pad_to_server;
    case StockUse::pad_to_client:
      return hooks::BitRole::traffic_pad_to_client;
    case StockUse::hash_to_server:
      return hooks::BitRole::traffic_hash_to_server;
    case StockUse::hash_to_client:
      return hooks::BitRole::traffic_hash_to_client;
  }
  return {};
}

TunnelKey key_at(const crypto::SecretBits& bits, std::size_t first, StockUse use) {
  const crypto::SecretBits slice = bits.slice(first, key_bits);
  TunnelKey key;
  std::ranges::copy(slice.expose_bytes(), key.fill().begin());
  hooks::saw_bits_given(role_of(use), key.expose());
  return key;
}

/// Pads in pairs, which are as large as a key, so that an odd one does not shift the units of other uses. A need that
/// no block could meet is as good as any other.
std::uint64_t reserve_need_bits(const Needs& own, const Needs& peer) {
  constexpr std::uint64_t more_than_any_block = std::uint64_t{1} << 40U;
  const std::uint64_t both = std::min({own.reserve_bits, peer.reserve_bits, more_than_any_block});
  static_assert(2 * pad_bits == key_bits);
  return both + (std::uint64_t{own.pads} + peer.pads + 1) / 2 * key_bits;
}

void write(wire::Writer& out, const std::map<TunnelId, std::uint32_t>& wanted) {
  out.u16(static_cast<std::uint16_t>(wanted.size()));
  for (const auto& [tunnel, keys] : wanted) out.tunnel_id(tunnel).u32(keys);
}

Result<std::map<TunnelId, std::uint32_t>> read_wanted(wire::Reader& in) {
  std::map<TunnelId, std::uint32_t> wanted;
  const auto count = in.u16();
  if (!count) return fail("the peer's needs are cut short");
  for (std::size_t i = 0; i < *count; ++i) {
    const auto tunnel = in.tunnel_id();
    const auto keys = in.u32();
    if (!tunnel || !keys) return fail("the peer's needs are cut short");
    if (!wanted.empty() && *tunnel <= wanted.rbegin()->first) return fail("the peer's needs name tunnels out of order");
    wanted.emplace(*tunnel, *keys);
  }
  return wanted;
}

}  // namespace

std::vector<std::byte> Needs::encode() const {
  wire::Writer out;
  out.u64(reserve_bits).u32(pads);
  write(out, tunnel_keys);
  write(out, pad_keys);
  return std::move(out).take();
}

Result<Needs> Needs::decode(std::span<const std::byte> note) {
  wire::Reader in{note};
  Needs needs;
  const auto reserve = in.u64();
  const auto pads = in.u32();
  if (!reserve || !pads) return fail("the peer's needs are cut short");
  needs.reserve_bits = *reserve;
  needs.pads = *pads;
  for (auto* wanted : {&needs.tunnel_keys, &needs.pad_keys}) {
    auto read = read_wanted(in);
    if (!read) return std::unexpected{read.error()};
    *wanted = std::move(*read);
  }
  if (!in.at_end()) return fail("the peer's needs have bytes behind them");
  return needs;
}

Store::Store(std::vector<TunnelStock> tunnels) {
  for (auto& tunnel : tunnels) add_tunnel(std::move(tunnel));
}

void Store::add_tunnel(TunnelStock tunnel) {
  const auto id = tunnel.id;
  stocks_.try_emplace(id, Stock{std::move(tunnel), {}});
}

void Store::remove_tunnel(TunnelId tunnel) {
  burn_stock(tunnel);
  stocks_.erase(tunnel);
}

Needs Store::needs(std::uint64_t reserve_bits, std::uint32_t pads) const {
  Needs needs{.reserve_bits = reserve_bits, .pads = pads, .tunnel_keys = {}, .pad_keys = {}};
  for (const auto& [tunnel, stock] : stocks_)
    (stock.settings.use == StockUse::keys ? needs.tunnel_keys : needs.pad_keys)
        .emplace(tunnel, stock.settings.ceiling_keys - static_cast<std::uint32_t>(stock.keys.size()));
  return needs;
}

Result<crypto::SecretBits> Store::add(BlockId block, Authenticator by, crypto::SecretBits key, const Needs& own,
                                      const Needs& peer) {
  if (newest_ && block <= *newest_)
    return fail(
        std::format("block {} comes after block {}: blocks are allocated once, in order", block.value, newest_->value));
  newest_ = block;
  hooks::saw_block_allocated(block.value);
  if (hooks::planted(hooks::PlantedBug::label_lost)) by = Authenticator::qkd;
  const std::size_t bits = key.size_bits();
  balance_.produced_bits += bits;

  const std::uint64_t quarter = bits / 4 / key_bits * key_bits;
  const std::size_t reserve_bits = std::min(reserve_need_bits(own, peer), quarter);
  std::size_t at = reserve_bits;
  balance_.reserve_bits += reserve_bits;

  struct Want {
    Stock* stock;  // none: the tunnel has gone
    std::uint32_t keys;
  };
  std::vector<Want> wants;
  const auto want_what_both_lack = [&](const auto& ours, const auto& peers) {
    for (const auto& [tunnel, keys] : ours) {
      const auto theirs = peers.find(tunnel);
      if (theirs == peers.end()) continue;
      const auto stock = stocks_.find(tunnel);
      wants.push_back({stock == stocks_.end() ? nullptr : &stock->second, std::min(keys, theirs->second)});
    }
  };
  want_what_both_lack(own.tunnel_keys, peer.tunnel_keys);
  const bool paid = by == Authenticator::qkd || hooks::planted(hooks::PlantedBug::pads_of_any_block);
  if (paid) want_what_both_lack(own.pad_keys, peer.pad_keys);
  std::uint32_t index = 0;
  for (bool given = true; given;) {
    given = false;
    for (auto& want : wants) {
      if (want.keys == 0 || at + key_bits > bits) continue;
      --want.keys;
      if (want.stock != nullptr)
        want.stock->keys.push_back({{block, index}, by, key_at(key, at, want.stock->settings.use)});
      (want.stock != nullptr ? balance_.stock_bits : balance_.burnt_bits) += key_bits;
      ++index;
      at += key_bits;
      given = true;
    }
  }
  balance_.discarded_bits += bits - at;
  return key.slice(0, reserve_bits);
}

std::optional<NamedKey> Store::take_next(TunnelId tunnel) {
  auto& keys = stocks_.at(tunnel).keys;
  if (keys.empty()) return std::nullopt;
  NamedKey key = std::move(keys.front());
  hooks::saw_key_taken(key.key.expose());
  if (hooks::planted(hooks::PlantedBug::stock_key_kept)) {
    keys.front() = {key.name, key.by, {}};
    std::ranges::copy(key.key.expose(), keys.front().key.fill().begin());
    return key;
  }
  keys.erase(keys.begin());
  balance_.stock_bits -= key_bits;
  balance_.taken_bits += key_bits;
  return key;
}

Result<NamedKey> Store::take(TunnelId tunnel, const KeyName& name) {
  burn_before(tunnel, name);
  const auto& stock = stocks_.at(tunnel);
  if (stock.keys.empty() || stock.keys.front().name != name) {
    return fail(std::format("tunnel '{}' has no key {}/{}: it was used, burnt or never given", stock.settings.tunnel,
                            name.block.value, name.index));
  }
  return std::move(*take_next(tunnel));
}

std::vector<NamedKey> Store::take_next(TunnelId tunnel, std::size_t most) {
  auto& keys = stocks_.at(tunnel).keys;
  const auto count = static_cast<std::ptrdiff_t>(std::min(most, keys.size()));
  std::vector<NamedKey> taken{std::move_iterator{keys.begin()}, std::move_iterator{keys.begin() + count}};
  keys.erase(keys.begin(), keys.begin() + count);
  for (const auto& key : taken) hooks::saw_key_taken(key.key.expose());
  balance_.stock_bits -= taken.size() * key_bits;
  balance_.taken_bits += taken.size() * key_bits;
  return taken;
}

Result<std::vector<NamedKey>> Store::take(TunnelId tunnel, std::span<const KeyName> names) {
  burn_before(tunnel, names.front());
  const auto& stock = stocks_.at(tunnel);
  std::size_t there = 0;
  while (there < std::min(names.size(), stock.keys.size()) && stock.keys[there].name == names[there]) ++there;
  if (there == names.size()) return take_next(tunnel, there);
  burn_before(tunnel, {names.back().block, names.back().index + 1});
  return fail(
      std::format("tunnel '{}' does not have all keys from {}/{} to {}/{}: they were used, burnt or never given",
                  stock.settings.tunnel, names.front().block.value, names.front().index, names.back().block.value,
                  names.back().index));
}

void Store::burn(Stock& stock, std::deque<NamedKey>::iterator end) {
  const auto burnt = static_cast<std::size_t>(end - stock.keys.begin());
  stock.keys.erase(stock.keys.begin(), end);
  balance_.stock_bits -= burnt * key_bits;
  if (!hooks::planted(hooks::PlantedBug::burnt_not_counted)) balance_.burnt_bits += burnt * key_bits;
}

void Store::burn_before(TunnelId tunnel, const KeyName& first) {
  auto& stock = stocks_.at(tunnel);
  burn(stock, std::ranges::lower_bound(stock.keys, first, {}, &NamedKey::name));
}

void Store::burn_stock(TunnelId tunnel) {
  auto& stock = stocks_.at(tunnel);
  burn(stock, stock.keys.end());
}

void Store::keep_only(std::span<const BlockId> kept) {
  for (auto& [tunnel, stock] : stocks_) {
    const auto gone = std::ranges::stable_partition(
        stock.keys, [&](const NamedKey& key) { return std::ranges::find(kept, key.name.block) == kept.end(); });
    burn(stock, gone.begin());
  }
}

void Store::burn_all() { keep_only({}); }

std::uint32_t Store::stock_keys(TunnelId tunnel) const {
  return static_cast<std::uint32_t>(stocks_.at(tunnel).keys.size());
}
Balance Store::balance() const { return balance_; }

}  // namespace cloister::keys
