#pragma once
/// Which of the transmitter's slots its watch vouches for: those of which every meter has spoken, and neither it nor the randomness was suspect.
/// What is in no such slot is never sifted, however late it is asked for and however all is well by then.
///
///   readings of [first, end), nothing suspect ─▶ vouched      suspect, or no reading ─▶ a gap, for ever
///
/// Kept are the last 64 runs without a gap; what is older is not vouched for any more. An engine.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>

#include "hal/frame.hpp"

namespace cloister::hal::watch {

class VouchedLight {
 public:
  void vouch(Epoch epoch, Slot first, std::uint64_t slots) {
    if (epoch != epoch_) {
      epoch_ = epoch;
      runs_.clear();
    }
    if (!runs_.empty() && first < runs_.back().end) return;  // readings ascend: what does not is none
    slots_ += slots;
    if (!runs_.empty() && runs_.back().end == first) {
      runs_.back().end += slots;
      return;
    }
    runs_.push_back({.first = first, .end = first + slots});
    if (runs_.size() > runs_max) runs_.pop_front();
  }
  /// `slots` ascend.
  [[nodiscard]] bool vouches(Epoch epoch, std::span<const Slot> slots) const {
    if (slots.empty()) return true;
    if (epoch != epoch_) return false;
    return std::ranges::all_of(slots, [this, run = runs_.begin()](Slot slot) mutable {
      while (run != runs_.end() && run->end <= slot) ++run;
      return run != runs_.end() && run->first <= slot;
    });
  }

  /// All that it was ever told of.
  [[nodiscard]] std::uint64_t slots() const { return slots_; }

 private:
  static constexpr std::size_t runs_max = 64;
  struct Run {
    Slot first;
    Slot end;
  };
  Epoch epoch_ = 0;
  std::uint64_t slots_ = 0;
  std::deque<Run> runs_;
};

}  // namespace cloister::hal::watch
