#pragma once
/// After a click all detectors are off for the dead time, together: if only the one that clicked were off, the next bit
/// would depend on the last. Not extended by what falls into it. Rogers, Bienfang, Nakassis, Xu and Clark, New J. Phys.
/// 9, 319 (2007).

#include <cmath>
#include <cstdint>

#include "hal/frame.hpp"

namespace cloister::hal::fibre {

class DeadTime {
 public:
  DeadTime(double seconds, double clock_hz) : slots_{static_cast<std::uint64_t>(std::ceil(seconds * clock_hz))} {}
  bool blind(Slot slot) const { return slot < blind_before_; }
  void clicked(Slot slot) { blind_before_ = slot + 1 + slots_; }

 private:
  std::uint64_t slots_;
  Slot blind_before_ = 0;
};

}  // namespace cloister::hal::fibre
