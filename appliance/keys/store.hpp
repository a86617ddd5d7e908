#pragma once
/// The key store of one link: held blocks in, tunnel keys out, each bit used at most once and in one role.
///
///   block (held) ── reserve first, at most a quarter ──▶ authentication reserve (handed to the session)
///               └── tunnels, by need, in turn ─▶ stock of each tunnel: 256-bit keys {block, index}
///               └── one-time pads, the same way ─▶ four stocks of such a tunnel, pad and hash keys for each
///                                                  direction; only of blocks that paid tags have authenticated
///               └── what exceeds both ─▶ discarded, counted
///
/// Both boxes allocate alike because both allocate by the same two needs and by nothing else: each box's note travels in
/// the block's authenticated transcript, a tunnel that only one of them names gets nothing, and the smaller of two needs
/// rules. Pads are each box's own: it alone knows how many of them are used, so both get what they ask. What a tunnel
/// is given that has gone here since is burnt. Memory only; an engine without I/O or clock.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
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
using wire::Authenticator;
using wire::BlockId;
using wire::KeyName;
using wire::TunnelId;

inline constexpr std::size_t key_bits = 8 * TunnelKey::size;
inline constexpr std::size_t pad_bits = 128;

/// What the keys of a stock become: pad, and keys of the hash, for no message can make the one of the other. That the two
/// directions do not meet is theirs to say who looks at bits; the stocks have names of their own.
enum class StockUse : std::uint8_t { keys, pad_to_server, pad_to_client, hash_to_server, hash_to_client };

struct TunnelStock {
  TunnelId id;
  std::string tunnel;  // its name, for people
  std::uint32_t ceiling_keys = 64;
  StockUse use = StockUse::keys;
};

/// What a box lacks; travels as the note of a block.
struct Needs {
  std::uint64_t reserve_bits = 0;  // but pads: what both boxes lack alike
  std::uint32_t pads = 0;          // for the tags that this box makes, of `pad_bits`
  std::map<TunnelId, std::uint32_t> tunnel_keys;
  std::map<TunnelId, std::uint32_t> pad_keys{};  // for one-time pads

  [[nodiscard]] std::vector<std::byte> encode() const;
  [[nodiscard]] static Result<Needs> decode(std::span<const std::byte> note);
};

struct NamedKey {
  KeyName name;
  Authenticator by{};  // its block was authenticated by that
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
  explicit Store(std::vector<TunnelStock> tunnels = {});

  /// A tunnel that is there already stays as it is.
  void add_tunnel(TunnelStock tunnel);
  /// Its stock is burnt.
  void remove_tunnel(TunnelId tunnel);

  [[nodiscard]] Needs needs(std::uint64_t reserve_bits, std::uint32_t pads) const;
  /// Allocates a held block; returns the bits for the reserve (may be empty). `own` and `peer` are the notes of both
  /// boxes. Blocks ascend; a block that was seen before is refused.
  [[nodiscard]] Result<crypto::SecretBits> add(BlockId block, Authenticator by, crypto::SecretBits key,
                                               const Needs& own, const Needs& peer);

  // Of a tunnel that is here.
  /// The oldest key of its stock; the box that starts a rekey takes it and tells the other its name.
  [[nodiscard]] std::optional<NamedKey> take_next(TunnelId tunnel);
  /// The key of that name; all older ones of the tunnel are burnt, whether it is there or not (the peer has passed them
  /// over).
  [[nodiscard]] Result<NamedKey> take(TunnelId tunnel, const KeyName& name);

  /// The oldest, at most so many.
  [[nodiscard]] std::vector<NamedKey> take_next(TunnelId tunnel, std::size_t most);
  /// All of these names, which ascend, or none: then they and all older ones are burnt.
  [[nodiscard]] Result<std::vector<NamedKey>> take(TunnelId tunnel, std::span<const KeyName> names);

  /// The tunnel's keys before `first` are burnt: the peer no longer has them, or may have named them.
  void burn_before(TunnelId tunnel, const KeyName& first);
  void burn_stock(TunnelId tunnel);
  /// Everything of every block that is not in `kept` is burnt.
  void keep_only(std::span<const BlockId> kept);
  void burn_all();

  [[nodiscard]] std::uint32_t stock_keys(TunnelId tunnel) const;
  [[nodiscard]] Balance balance() const;

 private:
  struct Stock {
    TunnelStock settings;
    std::deque<NamedKey> keys;  // the oldest first, that is by name
  };
  void burn(Stock& stock, std::deque<NamedKey>::iterator end);

  std::map<TunnelId, Stock> stocks_;
  std::optional<BlockId> newest_;
  Balance balance_;
};

}  // namespace cloister::keys
