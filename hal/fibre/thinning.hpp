#pragma once
/// From 1e9 slots a second to the few in which something can click: geometric skips at the largest click probability of
/// any slot, then each candidate is accepted with p(slot) / p_max. Lewis and Shedler, Naval Res. Logist. Q. 26, 403
/// (1979); the skip by inversion: Devroye, Non-Uniform Random Variate Generation (1986), X.2. Exact as long as p(slot)
/// ≤ p_max everywhere.

#include <cmath>
#include <cstdint>

#include "hal/fibre/xoshiro.hpp"

namespace cloister::hal::fibre {

class GeometricSkips {
 public:
  explicit GeometricSkips(double probability) : inverse_log_{1 / std::log1p(-probability)} {}
  /// How many slots to pass over before the next candidate: k with probability (1 - p)^k p.
  std::uint64_t next(Xoshiro& dice) const {
    const double skipped = std::log1p(-dice.uniform()) * inverse_log_;
    return skipped < far_away ? static_cast<std::uint64_t>(skipped) : static_cast<std::uint64_t>(far_away);
  }

 private:
  static constexpr double far_away = 0x1p60;  // p = 0 gives infinity; 36 years of slots at 1 GHz
  double inverse_log_;
};

}  // namespace cloister::hal::fibre
