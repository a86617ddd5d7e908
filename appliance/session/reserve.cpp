#include "appliance/session/reserve.hpp"

#include <algorithm>

#include "appliance/hooks/simulation_hooks.hpp"
#include "crypto/key_log.hpp"

namespace cloister::session {
using hooks::BitRole;
using hooks::planted;
using hooks::PlantedBug;
namespace {

template <class Key>
Key key_at(const crypto::SecretBits& bits, std::size_t first, BitRole role) {
  const crypto::SecretBits slice = bits.slice(first, 8 * Key::size);
  Key key;
  std::ranges::copy(slice.expose_bytes(), key.fill().begin());
  hooks::saw_bits_given(role, key.expose());
  crypto::log_secret("hash key, pad or channel key", key.expose());
  return key;
}

}  // namespace

PadCounts Reserve::add(wire::BlockId block, const crypto::SecretBits& bits, const PadCounts& lacking) {
  std::size_t at = 0;
  if (!hash_key_ && at + hash_key_bits <= bits.size_bits()) {
    hash_key_ = key_at<crypto::HashKey>(bits, at, BitRole::hash_key);
    hash_block_ = block;
    at += hash_key_bits;
  }
  if (!channel_key_ && at + channel_key_bits <= bits.size_bits()) {
    channel_key_ = key_at<crypto::MacKey>(bits, at, BitRole::channel_key);
    channel_block_ = block;
    at += channel_key_bits;
  }
  PadCounts given{};
  const auto give = [&](DirectionIndex direction) {
    const auto role = direction == 0 ? BitRole::pad_to_server : BitRole::pad_to_client;
    pads_[direction].push_back({{block, given[direction]++}, key_at<crypto::TagPad>(bits, at, role)});
    had_pads_ = true;
  };
  std::array<std::int64_t, 2> left{lacking[0], lacking[1]};
  for (; at + pad_bits <= bits.size_bits(); at += pad_bits) {
    const DirectionIndex direction = left[1] > left[0] ? 1 : 0;
    --left[direction];
    give(planted(PlantedBug::refill_order_swapped) ? 1 - direction : direction);
    if (planted(PlantedBug::pool_shared_by_directions)) give(1 - direction);
  }
  return given;
}

void Reserve::keep_only(std::span<const wire::BlockId> kept) {
  const auto gone = [&](wire::BlockId block) {
    return block != sealed_channel && block != sealed_pads && std::ranges::find(kept, block) == kept.end();
  };
  for (auto& pads : pads_) std::erase_if(pads, [&](const NamedPad& pad) { return gone(pad.name.block); });
  if (hash_key_ && gone(hash_block_)) hash_key_.reset();
  if (channel_key_ && gone(channel_block_)) channel_key_.reset();
}

void Reserve::clear() {
  for (auto& pads : pads_) pads.clear();
  had_pads_ = false;
  hash_key_.reset();
  channel_key_.reset();
}

void Reserve::begin_sealed(const crypto::MacKey& channel_key, const crypto::HashKey& hash_key) {
  clear();
  std::ranges::copy(channel_key.expose(), channel_key_.emplace().fill().begin());
  std::ranges::copy(hash_key.expose(), hash_key_.emplace().fill().begin());
  channel_block_ = hash_block_ = sealed_channel;
}

void Reserve::add_sealed(DirectionIndex direction, std::span<const std::byte> pads) {
  for (std::uint32_t index = 0; !pads.empty(); ++index) {
    had_pads_ = true;
    auto& pad = pads_[direction].emplace_back(NamedPad{{sealed_pads, index}, {}});
    std::ranges::copy(pads.first(crypto::TagPad::size), pad.pad.fill().begin());
    pads = pads.subspan(crypto::TagPad::size);
  }
}

std::uint64_t Reserve::lacking_key_bits() const {
  const std::uint64_t bits = (hash_key_ ? 0 : hash_key_bits) + (channel_key_ ? 0 : channel_key_bits);
  // In pairs of pads, so that their odd 128 bits do not shift the units of other uses.
  constexpr std::uint64_t step = 2 * pad_bits;
  return (bits + step - 1) / step * step;
}

std::uint32_t Reserve::lacking_pads(DirectionIndex direction, std::uint32_t size, std::uint32_t spent) const {
  const auto there = pads_[direction].size() - std::min<std::size_t>(spent, pads_[direction].size());
  return there < size ? size - static_cast<std::uint32_t>(there) : 0;
}

std::uint64_t Reserve::bits() const {
  return (hash_key_ ? hash_key_bits : 0) + (channel_key_ ? channel_key_bits : 0) +
         pad_bits * (pads_[0].size() + pads_[1].size());
}

bool Reserve::has_any_of(wire::BlockId block) const {
  const auto of_it = [block](const NamedPad& pad) { return pad.name.block == block; };
  return has_key_of(block) || std::ranges::any_of(pads_[0], of_it) || std::ranges::any_of(pads_[1], of_it);
}

std::optional<Reserve::NamedPad> Reserve::take_next(DirectionIndex direction) {
  auto& pads = pads_[direction];
  if (pads.empty()) return std::nullopt;
  NamedPad pad = std::move(pads.front());
  pads.pop_front();
  if (planted(PlantedBug::pad_kept_until_verified))
    std::ranges::copy(pad.pad.expose(), pads.emplace_front(NamedPad{pad.name, {}}).pad.fill().begin());
  return pad;
}

const crypto::TagPad* Reserve::find(DirectionIndex direction, const PadName& name) const {
  const auto& pads = pads_[direction];
  const auto found = std::ranges::find(pads, name, &NamedPad::name);
  return found == pads.end() ? nullptr : &found->pad;
}

void Reserve::spend(DirectionIndex direction, const PadName& name) {
  auto& pads = pads_[direction];
  while (!pads.empty() && pads.front().name <= name) {
    hooks::saw_pad_spent(pads.front().pad.expose());
    pads.pop_front();
  }
}

}  // namespace cloister::session
