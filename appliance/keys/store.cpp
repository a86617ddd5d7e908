#include "appliance/keys/store.hpp"

#include <algorithm>
#include <format>

#include "appliance/hooks/simulation_hooks.hpp"
#include "appliance/wire/reader.hpp"
#include "appliance/wire/writer.hpp"

namespace cloister::keys {
namespace {

TunnelKey key_at(const crypto::SecretBits& bits, std::size_t first) {
  const crypto::SecretBits slice = bits.slice(first, key_bits);
  TunnelKey key;
  std::ranges::copy(slice.expose_bytes(), key.fill().begin());
  hooks::saw_bits_given(hooks::BitRole::tunnel_key, key.expose());
  return key;
}

}  // namespace

std::vector<std::byte> Needs::encode() const {
  wire::Writer out;
  out.u64(reserve_bits).u16(static_cast<std::uint16_t>(tunnel_keys.size()));
  for (const auto keys : tunnel_keys) out.u32(keys);
  return std::move(out).take();
}

Result<Needs> Needs::decode(std::span<const std::byte> note, std::size_t tunnels) {
  wire::Reader in{note};
  Needs needs;
  const auto reserve = in.u64();
  const auto count = in.u16();
  if (!reserve || !count) return fail("the peer's needs are cut short");
  if (*count != tunnels)
    return fail(std::format("the peer names the needs of {} tunnels, expected {}", *count, tunnels));
  needs.reserve_bits = *reserve;
  for (std::size_t i = 0; i < tunnels; ++i) {
    const auto keys = in.u32();
    if (!keys) return fail("the peer's needs are cut short");
    needs.tunnel_keys.push_back(*keys);
  }
  if (!in.at_end()) return fail("the peer's needs have bytes behind them");
  return needs;
}

Store::Store(std::vector<TunnelStock> tunnels) {
  for (auto& tunnel : tunnels) stocks_.push_back({std::move(tunnel), {}});
}

Needs Store::needs(std::uint64_t reserve_need_bits) const {
  Needs needs{.reserve_bits = reserve_need_bits, .tunnel_keys = {}};
  for (const auto& stock : stocks_)
    needs.tunnel_keys.push_back(stock.settings.ceiling_keys - static_cast<std::uint32_t>(stock.keys.size()));
  return needs;
}

Result<crypto::SecretBits> Store::add(BlockId block, crypto::SecretBits key, const Needs& own, const Needs& peer) {
  if (newest_ && block <= *newest_)
    return fail(
        std::format("block {} comes after block {}: blocks are allocated once, in order", block.value, newest_->value));
  if (own.tunnel_keys.size() != stocks_.size() || peer.tunnel_keys.size() != stocks_.size())
    return fail("needs of another number of tunnels than there are");
  newest_ = block;
  hooks::saw_block_allocated(block.value);
  const std::size_t bits = key.size_bits();
  balance_.produced_bits += bits;

  const std::uint64_t quarter = bits / 4 / key_bits * key_bits;
  const std::size_t reserve_bits = std::min({own.reserve_bits, peer.reserve_bits, quarter});
  std::size_t at = reserve_bits;
  balance_.reserve_bits += reserve_bits;

  std::vector<std::uint32_t> wanted;
  for (std::size_t i = 0; i < stocks_.size(); ++i) wanted.push_back(std::min(own.tunnel_keys[i], peer.tunnel_keys[i]));
  std::uint32_t index = 0;
  for (bool given = true; given;) {
    given = false;
    for (std::size_t i = 0; i < stocks_.size() && at + key_bits <= bits; ++i) {
      if (wanted[i] == 0) continue;
      --wanted[i];
      stocks_[i].keys.push_back({{block, index++}, key_at(key, at)});
      at += key_bits;
      balance_.stock_bits += key_bits;
      given = true;
    }
  }
  balance_.discarded_bits += bits - at;
  return key.slice(0, reserve_bits);
}

std::optional<NamedKey> Store::take_next(std::size_t tunnel) {
  auto& keys = stocks_[tunnel].keys;
  if (keys.empty()) return std::nullopt;
  NamedKey key = std::move(keys.front());
  hooks::saw_key_taken(key.key.expose());
  if (hooks::planted(hooks::PlantedBug::stock_key_kept)) {
    keys.front() = {key.name, {}};
    std::ranges::copy(key.key.expose(), keys.front().key.fill().begin());
    return key;
  }
  keys.erase(keys.begin());
  balance_.stock_bits -= key_bits;
  balance_.taken_bits += key_bits;
  return key;
}

Result<TunnelKey> Store::take(std::size_t tunnel, const KeyName& name) {
  burn_before(tunnel, name);
  const auto& stock = stocks_[tunnel];
  if (stock.keys.empty() || stock.keys.front().name != name) {
    return fail(std::format("tunnel '{}' has no key {}/{}: it was used, burnt or never given", stock.settings.tunnel,
                            name.block.value, name.index));
  }
  return std::move(take_next(tunnel)->key);
}

void Store::burn_before(std::size_t tunnel, const KeyName& first) {
  auto& keys = stocks_[tunnel].keys;
  const auto kept = std::ranges::lower_bound(keys, first, {}, &NamedKey::name);
  const auto burnt = static_cast<std::size_t>(kept - keys.begin());
  keys.erase(keys.begin(), kept);
  balance_.stock_bits -= burnt * key_bits;
  balance_.burnt_bits += burnt * key_bits;
}

void Store::keep_only(std::span<const BlockId> kept) {
  for (auto& stock : stocks_) {
    const auto burnt = std::erase_if(
        stock.keys, [&](const NamedKey& key) { return std::ranges::find(kept, key.name.block) == kept.end(); });
    balance_.stock_bits -= burnt * key_bits;
    if (!hooks::planted(hooks::PlantedBug::burnt_not_counted)) balance_.burnt_bits += burnt * key_bits;
  }
}

void Store::burn_all() { keep_only({}); }

std::uint32_t Store::stock_keys(std::size_t tunnel) const {
  return static_cast<std::uint32_t>(stocks_[tunnel].keys.size());
}
Balance Store::balance() const { return balance_; }

}  // namespace cloister::keys
