#pragma once
/// After-pulsing: a carrier that an avalanche left in a trap sets off another one later, in the detector that clicked.
///
///   a click leaves a carrier with probability p; it is set free after k slots, P(k) = (1 - q) q^(k-1), q = e^(-1/τ)
///
/// Cova, Lacaita and Ripamonti, IEEE Electron Device Lett. 12, 685 (1991): release times are exponential. One kind of
/// trap and at most one carrier of each click are assumed. A carrier set free while the detectors are off is lost.
/// An after-pulse is a click like any other, so it leaves carriers too. The cost goes with the clicks, not the slots.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "hal/fibre/thinning.hpp"
#include "hal/fibre/xoshiro.hpp"
#include "hal/frame.hpp"

namespace cloister::hal::fibre {

/// When a trapped carrier is set free, and in which detector.
struct AfterPulse {
  Slot slot;
  Basis basis;
  std::uint8_t bit;
  bool operator>(const AfterPulse& other) const { return slot > other.slot; }
};

class AfterPulses {
 public:
  AfterPulses(double probability, double lifetime_seconds, double clock_hz)
      : probability_{probability}, delay_{-std::expm1(-1 / (lifetime_seconds * clock_hz))} {}

  void clicked(Slot slot, Basis basis, std::uint8_t bit, Xoshiro& dice) {
    if (probability_ == 0 || dice.uniform() >= probability_ || trapped_.size() == trapped_max) return;
    trapped_.push({.slot = slot + 1 + delay_.next(dice), .basis = basis, .bit = bit});
  }
  /// Whether a carrier is set free before `end`.
  bool due(Slot end) const { return !trapped_.empty() && trapped_.top().slot < end; }
  /// The next one; only when one is due.
  AfterPulse take() {
    const auto next = trapped_.top();
    trapped_.pop();
    return next;
  }

 private:
  /// Far more than any detector has at a time; a bound on what settings without sense can ask for.
  static constexpr std::size_t trapped_max = std::size_t{1} << 16;
  double probability_;
  GeometricSkips delay_;
  std::priority_queue<AfterPulse, std::vector<AfterPulse>, std::greater<>> trapped_;
};

}  // namespace cloister::hal::fibre
