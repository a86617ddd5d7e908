#pragma once
/// Gaussian numbers from nature's dice: Box and Muller, Ann. Math. Stat. 29, 610 (1958).

#include <cmath>
#include <numbers>

#include "hal/fibre/xoshiro.hpp"

namespace cloister::hal::fibre {

/// Of mean 0 and deviation 1.
inline double normal(Xoshiro& dice) {
  const double radius = std::sqrt(-2 * std::log1p(-dice.uniform()));
  return radius * std::cos(2 * std::numbers::pi * dice.uniform());
}

}  // namespace cloister::hal::fibre
