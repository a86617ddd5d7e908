#include "appliance/vpn/replay_window.hpp"

namespace cloister::vpn {
namespace {

constexpr unsigned tag_shift = 32;

std::uint64_t bit_of(std::uint64_t sequence) { return std::uint64_t{1} << (sequence % ReplayWindow::word_numbers); }

std::uint32_t tag_of(std::uint64_t sequence) {
  return static_cast<std::uint32_t>(sequence / ReplayWindow::word_numbers);
}

enum class Age { older, same, newer };

/// The age of the block that a word stands for, beside the block of `tag`. Blocks that meet in one word are less than
/// 2^31 apart, as each number received is less than 2^32 away from the newest.
Age age_of(std::uint64_t word, std::uint32_t tag) {
  const auto ahead = static_cast<std::int32_t>(static_cast<std::uint32_t>(word >> tag_shift) - tag);
  return ahead < 0 ? Age::older : ahead == 0 ? Age::same : Age::newer;
}

}  // namespace

ReplayWindow::ReplayWindow(std::uint64_t newest) : newest_{newest} {
  const std::uint64_t newest_block = newest / word_numbers;
  for (std::uint64_t back = 0; back < words; ++back) {
    const std::uint64_t block = newest_block - back;  // below zero it wraps, and counts as older than all
    ring_[block % words].store(block << tag_shift, std::memory_order_relaxed);
  }
  ring_[newest_block % words].fetch_or(bit_of(newest), std::memory_order_relaxed);
}

bool ReplayWindow::acceptable(std::uint64_t sequence) const {
  if (sequence == 0) return false;  // never sent (RFC 4303, 3.3.3)
  const std::uint64_t seen = newest();
  if (sequence < seen && seen - sequence >= size) return false;
  const std::uint64_t word = ring_[(sequence / word_numbers) % words].load(std::memory_order_relaxed);
  switch (age_of(word, tag_of(sequence))) {
    case Age::older:
      return true;
    case Age::same:
      return (word & bit_of(sequence)) == 0;
    case Age::newer:
      return false;
  }
  return false;
}

bool ReplayWindow::accept(std::uint64_t sequence) {
  if (!acceptable(sequence)) return false;
  auto& slot = ring_[(sequence / word_numbers) % words];
  std::uint64_t word = slot.load(std::memory_order_relaxed);
  std::uint64_t wanted = 0;
  do {
    switch (age_of(word, tag_of(sequence))) {
      case Age::older:
        wanted = (std::uint64_t{tag_of(sequence)} << tag_shift) | bit_of(sequence);
        break;
      case Age::same:
        if ((word & bit_of(sequence)) != 0) return false;
        wanted = word | bit_of(sequence);
        break;
      case Age::newer:
        return false;
    }
  } while (!slot.compare_exchange_weak(word, wanted, std::memory_order_relaxed));
  std::uint64_t seen = newest();
  while (sequence > seen && !newest_.compare_exchange_weak(seen, sequence, std::memory_order_relaxed)) {
  }
  return true;
}

}  // namespace cloister::vpn
