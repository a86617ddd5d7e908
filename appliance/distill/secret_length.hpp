#pragma once
/// How many secret bits a block holds, by the bound that its link uses. Only formulas: the same for a running link and
/// for whoever recomputes a block.

#include "appliance/distill/observation.hpp"

namespace cloister::distill {

/// s: detections from pulses of 0 or 1 photons, at least; v: errors of single photons, at most.
struct Bounds {
  long double s_key_0 = 0;
  long double s_key_1 = 0;
  long double s_test_1 = 0;
  long double v_test_1 = 0;
  long double phase_error = 0.5L;
  long double penalty_bits = 0;  // all that is subtracted but leakage
  std::uint64_t length_bits = 0;
};

/// All but the length.
[[nodiscard]] Bounds lim2014(const Observation& seen);
[[nodiscard]] Bounds rusca2018(const Observation& seen);
[[nodiscard]] Bounds wiesemann2024(const Observation& seen);

/// s_key_0 + s_key_1 (1 - h(phase_error)) - leakage - penalty, of an observation that `check` takes. Counts that say too
/// little, or that contradict themselves, give length 0.
[[nodiscard]] Bounds secret_length(const Observation& seen);

}  // namespace cloister::distill
