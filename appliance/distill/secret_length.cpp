#include "appliance/distill/secret_length.hpp"

#include <cmath>

#include "appliance/distill/binary_entropy.hpp"
#include "appliance/distill/decoy.hpp"

namespace cloister::distill {
namespace {

Bounds bounds_of(const Observation& seen) {
  switch (seen.bound) {
    case Bound::lim2014:
      return lim2014(seen);
    case Bound::rusca2018:
      return rusca2018(seen);
    case Bound::wiesemann2024:
      return wiesemann2024(seen);
  }
  return {};
}

/// Lower bounds above what was detected at all: light that is not what it is said to be, or a bound that failed.
bool contradictory(const Observation& seen, const Bounds& bounds) {
  return bounds.s_key_0 + bounds.s_key_1 > static_cast<Real>(seen.key.detections()) ||
         bounds.s_test_1 > static_cast<Real>(seen.test.detections());
}

}  // namespace

Bounds secret_length(const Observation& seen) {
  Bounds bounds = bounds_of(seen);
  if (bounds.phase_error >= 0.5L || contradictory(seen, bounds)) return bounds;
  const Real length = std::floor(bounds.s_key_0 + bounds.s_key_1 * (1 - binary_entropy(bounds.phase_error)) -
                                 seen.leakage_bits - bounds.penalty_bits);
  if (length > 0) bounds.length_bits = static_cast<std::uint64_t>(length);
  return bounds;
}

}  // namespace cloister::distill
