#pragma once
/// Keeps the newest blocks of one box from becoming keys until the watch over its device has found nothing for a while: an
/// attack that a window of clicks shows has begun before that window ends.
///
///   chain ── Amplified ─▶ quarantined ──enough light watched, nothing found──▶ Released: its owner closes it
///                             ├──a finding here──▶ DROP to the peer, Withdrawn
///                             └──DROP of the peer──▶ Withdrawn
///
/// It stands between a chain and its owner, on each box for itself. A block becomes a key where both owners have closed it,
/// and none closes what is not released. So what one box keeps back neither has, and whatever becomes of a DROP: a withdrawn
/// block's tags are never exchanged.
///
/// How long is counted in light, not by a clock: so much time of it, and half as many clicks as the block had in such a time.
/// Who cuts the fibre after an attack, so that no window of clicks ends, gets no key by it.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>

#include "appliance/distill/block.hpp"
#include "appliance/distill/chain.hpp"

namespace cloister::distill {

/// Amplified blocks that no owner holds yet, at most: then no more light is taken, only watched.
inline constexpr std::size_t unheld_blocks_max = 512;
/// Of their bits: those of a link of 128 Mbit/s, up to two seconds; slower ones have room for longer.
[[nodiscard]] constexpr std::uint64_t unheld_bits_max(std::chrono::milliseconds quiet_for) {
  constexpr std::uint64_t least = std::uint64_t{1} << 24U;  // that wait for the tags only
  constexpr std::uint64_t most = std::uint64_t{1} << 28U;
  constexpr std::uint64_t bits_per_second = std::uint64_t{1} << 27U;
  const auto milliseconds = static_cast<std::uint64_t>(quiet_for.count());
  return std::min(least + milliseconds * bits_per_second / 1000, most);
}

class Quarantine {
 public:
  /// `quiet_for` 0: an amplified block is its owner's at once.
  Quarantine(std::unique_ptr<Chain> chain, std::chrono::milliseconds quiet_for);

  // As the chain's.
  void start(BlockId first);
  void stop();
  /// Also while too much is not held yet: the frame is then let go, once the watch has seen it, for without light nothing
  /// would ever be released.
  [[nodiscard]] bool wants_frame() const { return chain_->wants_frame() || (running_ && full()); }
  void on_frame(hal::DetectionFrame frame);
  [[nodiscard]] Result<> on_message(BlockId block, std::uint8_t type, std::span<const std::byte> payload);
  [[nodiscard]] std::optional<Action> next_action();
  [[nodiscard]] Figures figures() const;
  /// The watch has found something: neither an open block nor a quarantined one becomes a key, on either box.
  void discard(const std::string& why);

  /// So much more light has been watched, and nothing is wrong with it. `clicks`: at a receiver.
  void watched(double seconds, std::uint64_t clicks);
  /// The owner has made keys of the block.
  void held(BlockId block);

 private:
  /// That was watched since the session began.
  struct Light {
    double seconds = 0;
    double clicks = 0;
  };
  struct Quarantined {
    std::uint64_t bits = 0;
    Light until;
  };
  void keep(Amplified& made);
  void withdraw(BlockId block, bool by_peer, std::string text);
  [[nodiscard]] bool full() const;

  std::unique_ptr<Chain> chain_;
  double quiet_seconds_;
  std::uint64_t bits_max_;
  bool running_ = false;
  Light light_;
  Light light_before_;              // the newest frame
  std::map<BlockId, Light> begun_;  // when the first word of it was said
  std::map<BlockId, Quarantined> quarantined_;
  std::map<BlockId, std::uint64_t> released_;  // and not held: their bits
  std::uint64_t unheld_bits_ = 0;
  std::uint64_t withdrawn_count_ = 0;
  DroppedBlocks withdrawn_{unheld_blocks_max};
  std::deque<Action> actions_;
};

}  // namespace cloister::distill
