#pragma once
/// Anti-replay over 64-bit sequence numbers for several threads without a lock: the ring of RFC 6479, whose words here
/// carry the number of their block.
///
///   word  = block, low half (32) | bits of the block's 32 numbers (32)        block of a number = number / 32
///   a number is taken by one compare-and-swap on its word: a newer block replaces an older one, an older is refused
///
/// RFC 6479 clears words as the window moves, which two threads cannot do at once without a lock. As a word says which
/// block it stands for, nothing has to be cleared: once a block has given way, none of its numbers is acceptable again.

#include <array>
#include <atomic>
#include <cstdint>

namespace cloister::vpn {

class ReplayWindow {
 public:
  static constexpr std::uint64_t words = 512;
  static constexpr std::uint64_t word_numbers = 32;
  /// Numbers less far behind the newest than this are told apart; wide enough for bursts of 64 from several queues to
  /// overtake each other for milliseconds.
  static constexpr std::uint64_t size = (words - 1) * word_numbers;

  /// As if `newest` had been received, and nothing before it that is still in the window.
  explicit ReplayWindow(std::uint64_t newest = 0);

  /// Whether the number is new and not too old; to be asked before authentication.
  [[nodiscard]] bool acceptable(std::uint64_t sequence) const;
  /// Records the number; only after authentication. False when it was not acceptable. Of threads that bring the same
  /// number at once, one is told true.
  [[nodiscard]] bool accept(std::uint64_t sequence);
  [[nodiscard]] std::uint64_t newest() const { return newest_.load(std::memory_order_relaxed); }

 private:
  std::array<std::atomic<std::uint64_t>, words> ring_;
  std::atomic<std::uint64_t> newest_;
};

}  // namespace cloister::vpn
