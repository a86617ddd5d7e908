#pragma once
/// The key store of one link: held blocks in, tunnel keys out, each bit used at most once and in one role.
///
///   block (held) ── reserve first, at most a quarter ──▶ authentication reserve (handed to the session)
///               └── tunnels, by need, in configured order ─▶ stock of each tunnel: 256-bit keys {block, index}
///               └── what exceeds both ─▶ discarded, counted
///
/// Both boxes allocate alike because both allocate by the same two needs: each box's note travels in the block's
/// authenticated transcript, and the smaller of the two needs rules. Memory only; an engine without I/O or clock.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "appliance/wire/names.hpp"
#include "crypto/bits.hpp"
#include "crypto/error.hpp"
#include "crypto/kdf.hpp"

namespace cloister::keys {

using crypto::TunnelKey;
using wire::BlockId;
using wire::KeyName;

inline constexpr std::size_t key_bits = 8 * TunnelKey::size;

struct TunnelStock {
  std::string tunnel;
  std::uint32_t ceiling_keys = 64;
};

/// What a box lacks; travels as the note of a block.
struct Needs {
  std::uint64_t reserve_bits = 0;
  std::vector<std::uint32_t> tunnel_keys;  // in the order of the configured tunnels

  [[nodiscard]] std::vector<std::byte> encode() const;
  [[nodiscard]] static Result<Needs> decode(std::span<const std::byte> note, std::size_t tunnels);
};

struct NamedKey {
  KeyName name;
  TunnelKey key;
};

/// Conservation: produced = reserve + taken + burnt + discarded + in stock, at any time.
struct Balance {
  std::uint64_t produced_bits = 0;
  std::uint64_t reserve_bits = 0;
  std::uint64_t taken_bits = 0;
  std::uint64_t burnt_bits = 0;
  std::uint64_t discarded_bits = 0;
  std::uint64_t stock_bits = 0;
};

class Store {
 public:
  explicit Store(std::vector<TunnelStock> tunnels);

  [[nodiscard]] Needs needs(std::uint64_t reserve_need_bits) const;
  /// Allocates a held block; returns the bits for the reserve (may be empty). `own` and `peer` are the notes of both
  /// boxes. Blocks ascend; a block that was seen before is refused.
  [[nodiscard]] Result<crypto::SecretBits> add(BlockId block, crypto::SecretBits key, const Needs& own,
                                               const Needs& peer);

  /// The oldest key of the tunnel's stock; the box that starts a rekey takes it and tells the other its name.
  [[nodiscard]] std::optional<NamedKey> take_next(std::size_t tunnel);
  /// The key of that name; all older ones of the tunnel are burnt, whether it is there or not (the peer has passed them
  /// over).
  [[nodiscard]] Result<TunnelKey> take(std::size_t tunnel, const KeyName& name);

  /// The tunnel's keys before `first` are burnt: the peer no longer has them, or may have named them.
  void burn_before(std::size_t tunnel, const KeyName& first);
  /// Everything of every block that is not in `kept` is burnt.
  void keep_only(std::span<const BlockId> kept);
  void burn_all();

  [[nodiscard]] std::uint32_t stock_keys(std::size_t tunnel) const;
  [[nodiscard]] Balance balance() const;

 private:
  struct Stock {
    TunnelStock settings;
    std::vector<NamedKey> keys;  // the oldest first, that is by name
  };

  std::vector<Stock> stocks_;
  std::optional<BlockId> newest_;
  Balance balance_;
};

}  // namespace cloister::keys
