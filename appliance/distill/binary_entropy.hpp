#pragma once
/// h(p) = -p log2 p - (1-p) log2 (1-p), in bits; 0 outside (0, 1).

#include <cmath>
#include <concepts>

namespace cloister::distill {

template <std::floating_point Number>
[[nodiscard]] Number binary_entropy(Number probability) {
  if (probability <= 0) return 0;
  if (probability >= 1) return 0;
  return -probability * std::log2(probability) - (1 - probability) * std::log2(1 - probability);
}

}  // namespace cloister::distill
