#pragma once
/// The authentication reserve: QKD bits for the classical channel's authentication, in memory, used once. They come from
/// held blocks, and after a restart from the sealed reserve.
///
///   first 128 bits ever → hash key H     next 256 → channel key     each later 128 → a pad, where more are lacking
///
/// Pads are split by direction: only the sender of a direction takes from it, in order, and names the pad in its tag;
/// so two boxes need no agreement to use each pad once. What each direction lacks its sender says, for each block. Each
/// part belongs to the block it came from and goes when that block is burnt.

#include <cstdint>
#include <deque>
#include <optional>
#include <span>

#include "appliance/hooks/simulation_hooks.hpp"
#include "appliance/wire/names.hpp"
#include "crypto/bits.hpp"
#include "crypto/gf128.hpp"
#include "crypto/kdf.hpp"

namespace cloister::session {

/// The `index`-th pad that a direction was given from `block`.
using PadName = wire::KeyName;

/// 0: client to server, 1: server to client.
using DirectionIndex = std::size_t;
/// How many of each direction.
using PadCounts = std::array<std::uint32_t, 2>;

class Reserve {
 public:
  static constexpr std::uint64_t hash_key_bits = 128;
  static constexpr std::uint64_t channel_key_bits = 256;
  static constexpr std::uint64_t pad_bits = 128;

  /// `lacking`, as the directions' senders have said it, decides which pads are whose: each goes where more are
  /// lacking, and by turns where as many are. How many each direction was given.
  PadCounts add(wire::BlockId block, const crypto::SecretBits& bits, const PadCounts& lacking);
  /// The keys of a generation of the sealed reserve, in place of all that was there; then its opened chunks' pads. What
  /// came from there belongs to no block.
  void begin_sealed(const crypto::MacKey& channel_key, const crypto::HashKey& hash_key);
  void add_sealed(DirectionIndex direction, std::span<const std::byte> pads);
  static constexpr wire::BlockId sealed_channel{~std::uint64_t{0}};  // `channel_block` of keys from there
  static constexpr wire::BlockId sealed_pads{0};                     // their pads come before those of any block

  void keep_only(std::span<const wire::BlockId> kept);
  void clear();

  /// Of hash key and channel key.
  [[nodiscard]] std::uint64_t lacking_key_bits() const;
  /// Of a direction, until there are `size`, when `spent` more are gone.
  [[nodiscard]] std::uint32_t lacking_pads(DirectionIndex direction, std::uint32_t size, std::uint32_t spent) const;
  [[nodiscard]] std::uint64_t bits() const;
  [[nodiscard]] bool has_keys() const { return hash_key_.has_value() && channel_key_.has_value(); }
  /// There were pads beside these keys, whether or not any is left.
  [[nodiscard]] bool has_paid() const { return has_keys() && had_pads_; }
  [[nodiscard]] std::size_t pads(DirectionIndex direction) const { return pads_[direction].size(); }
  /// Keys and pads are there: the channel can be authenticated by QKD.
  [[nodiscard]] bool ready() const {
    const bool pads = !pads_[0].empty() && !pads_[1].empty();
    return has_keys() && (pads || hooks::planted(hooks::PlantedBug::ready_without_pads));
  }
  [[nodiscard]] std::optional<wire::BlockId> channel_block() const {
    return channel_key_ ? std::optional{channel_block_} : std::nullopt;
  }
  /// Whether one of the two keys, which last, is from that block.
  [[nodiscard]] bool has_key_of(wire::BlockId block) const {
    return (hash_key_ && block == hash_block_) || (channel_key_ && block == channel_block_);
  }
  /// Whether anything is.
  [[nodiscard]] bool has_any_of(wire::BlockId block) const;
  [[nodiscard]] const crypto::MacKey& channel_key() const { return *channel_key_; }
  [[nodiscard]] const crypto::HashKey& hash_key() const { return *hash_key_; }

  struct NamedPad {
    PadName name;
    crypto::TagPad pad;
  };
  /// The sender's: the oldest pad of the direction.
  [[nodiscard]] std::optional<NamedPad> take_next(DirectionIndex direction);
  /// The receiver's: looked at before the tag is checked, so that a forgery burns nothing.
  [[nodiscard]] const crypto::TagPad* find(DirectionIndex direction, const PadName& name) const;
  /// The receiver's, after the tag held: this pad and all before it are gone.
  void spend(DirectionIndex direction, const PadName& name);

 private:
  std::optional<crypto::HashKey> hash_key_;
  std::optional<crypto::MacKey> channel_key_;
  wire::BlockId hash_block_;
  wire::BlockId channel_block_;
  std::array<std::deque<NamedPad>, 2> pads_;
  bool had_pads_ = false;
};

}  // namespace cloister::session
