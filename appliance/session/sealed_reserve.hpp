#pragma once
/// The sealed reserve: the part of the authentication reserve that outlives the process, so that a restarted box comes
/// back without a bootstrap. Chunks of pads, split by direction; a chunk is opened by one restart and serves it.
///
///   generation   channel key, hash key, and for each direction chunks 0, 1, 2 …, made of held blocks on both boxes
///   bases        what the two counters of each direction showed when the generation was made
///
///   direction A→B:   A's counter `own`, in A's TPM        position = max(own − its base, granted − its base)
///                    B's counter `granted`, in B's TPM
///
///   to open a chunk, A: picks one at or after the position, notes on disk how far it will go, asks B
///                    B: moves `granted` past the chunk, then answers          A: moves `own` past it, then reads pads
///
/// So no chunk is opened twice as long as one of the two TPMs keeps its counter, whatever becomes of the disks. What
/// the record says of both counters shows which of disk and TPM is older than the other.
///
/// Rules and the record only; the exchange is in restart.cpp.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crypto/bits.hpp"
#include "crypto/gf128.hpp"
#include "crypto/kdf.hpp"

namespace cloister::session {

/// Public: 128 of the generation's QKD bits, given away.
using GenerationId = std::array<std::byte, 16>;

/// `own` for what this box sends, `granted` for what the peer sends.
enum class Counter { own, granted };

struct SealedLayout {
  std::uint32_t chunks = 8;  // of each direction
  std::uint32_t pads = 32;   // of each chunk
  bool unpaid = false;       // made of blocks whose tags were derived: it serves where the policy has no others
  [[nodiscard]] std::uint64_t bits() const;
  [[nodiscard]] std::size_t chunk_bytes() const;
};

/// What the driver found when the service started.
struct KeptReserve {
  std::optional<crypto::SecretVector<std::byte>> record;  // as it was last stored; nothing when there is none
  std::uint64_t own = 0;
  std::uint64_t granted = 0;
  std::string problem;  // why there is no record although there should be one; empty when all is well
};

using ChunkBits = crypto::SecretVector<std::byte>;

struct Generation {
  GenerationId id{};
  crypto::MacKey channel_key;
  crypto::HashKey hash_key;
  // By direction: 0 client to server, 1 server to client.
  std::array<std::uint64_t, 2> sender_base{};
  std::array<std::uint64_t, 2> receiver_base{};
  std::array<std::vector<ChunkBits>, 2> chunks;  // by number; one that was opened is empty

  /// The first chunk of the direction that is not opened, as far as these counters know; nothing when there is none
  /// left, or a counter is behind its base.
  [[nodiscard]] std::optional<std::uint32_t> first_unopened(std::size_t direction, std::uint64_t sender,
                                                            std::uint64_t receiver) const;
  [[nodiscard]] bool has(std::size_t direction, std::uint32_t chunk) const {
    return chunk < chunks[direction].size() && !chunks[direction][chunk].empty();
  }
  /// The chunk, and it and all before it are gone from here.
  [[nodiscard]] ChunkBits take(std::size_t direction, std::uint32_t chunk);
};

class SealedReserve {
 public:
  explicit SealedReserve(SealedLayout layout) : layout_{layout} {}

  /// What an operator must know of what was found, if anything; then nothing of the record is used.
  [[nodiscard]] std::optional<std::string> restore(const KeptReserve& kept);
  [[nodiscard]] crypto::SecretVector<std::byte> encode() const;

  /// Of what the peer's authenticated greeting shows: an alarm when one of the boxes was turned back.
  [[nodiscard]] std::optional<std::string> judge_peer(const std::string& peer, std::uint64_t peer_own,
                                                      std::uint64_t peer_granted);
  /// Before the peer is asked: own counter and the peer's will go up to these.
  void expect_move(std::uint64_t own, std::uint64_t peer_granted);
  void counter_moved(Counter counter, std::uint64_t value);

  /// The link has bootstrapped once, or what this box knew of it is lost.
  [[nodiscard]] bool bootstrapped() const { return bootstrapped_; }
  /// And a disk that is put back to before it is behind the own counter.
  [[nodiscard]] bool bootstrap_noted() const { return bootstrap_noted_; }
  /// From the next record on, and for good once the own counter has moved to what this gives: beyond all that a record so
  /// far has allowed it, so that each older one is seen to be older.
  [[nodiscard]] std::uint64_t note_bootstrap();
  void bootstrap_is_noted() { bootstrap_noted_ = true; }

  [[nodiscard]] const SealedLayout& layout() const { return layout_; }
  [[nodiscard]] std::uint64_t own() const { return own_; }
  [[nodiscard]] std::uint64_t granted() const { return granted_; }
  [[nodiscard]] Generation* find(const GenerationId& id);
  /// The stored ones, the newest first.
  [[nodiscard]] std::vector<GenerationId> offer() const;
  [[nodiscard]] std::uint64_t chunks_left() const;

  /// Made of `layout.bits()` QKD bits; beside the one that both boxes are known to have, in place of any other.
  void stage(const crypto::SecretBits& bits, std::array<std::uint64_t, 2> sender_base,
             std::array<std::uint64_t, 2> receiver_base);
  [[nodiscard]] std::optional<GenerationId> staged() const;
  void staged_is_stored() { staged_stored_ = true; }
  /// Both boxes have that one: the others are gone.
  void settle_on(const GenerationId& id);
  void forget_all();

 private:
  [[nodiscard]] std::optional<std::string> read(const KeptReserve& kept);
  [[nodiscard]] bool decode(std::span<const std::byte> record);

  SealedLayout layout_;
  std::uint64_t own_ = 0;
  std::uint64_t granted_ = 0;
  std::uint64_t own_limit_ = 0;  // how far this box may have moved its counter
  std::uint64_t peer_own_floor_ = 0;
  std::uint64_t peer_granted_floor_ = 0;
  std::uint64_t peer_granted_limit_ = 0;  // how far it may have made the peer move its counter
  bool peer_known_ = false;
  bool bootstrapped_ = false;
  bool bootstrap_noted_ = false;
  std::optional<Generation> confirmed_;
  std::optional<Generation> staged_;
  bool staged_stored_ = false;
};

}  // namespace cloister::session
