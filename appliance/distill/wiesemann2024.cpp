// One decoy: Wiesemann, Krause, Tupkary, Lütkenhaus, Rusca, Walenta, "A consolidated and accessible security proof for
// finite-size decoy-state quantum key distribution", arXiv 2405.16578, with the choices of its authors' published
// program: counts are clipped before they are weighed, the sampling bound is Serfling's, empty pulses give no key.

#include <algorithm>
#include <cmath>

#include "appliance/distill/decoy.hpp"
#include "appliance/distill/secret_length.hpp"

namespace cloister::distill {
namespace {

/// eps_sec is the sum of 15 equal parts.
constexpr Real parts = 15;

/// count ± delta(total), within [0, total], weighed.
Real corrected(const DecoyStatistics& decoy, const std::array<std::uint64_t, intensities_max>& counts, std::size_t k,
               Real sign) {
  const Real total = static_cast<Real>(counts[0]) + static_cast<Real>(counts[1]);
  return decoy.weight(k) * std::clamp(static_cast<Real>(counts[k]) + sign * decoy.delta(total), Real{0}, total);
}

/// Detections from empty pulses at most, from the errors at either intensity.
Real empty_max(const DecoyStatistics& decoy, const BasisCounts& basis) {
  const auto n = static_cast<Real>(basis.detections());
  const Real least = std::min(corrected(decoy, basis.m, 0, +1), corrected(decoy, basis.m, 1, +1));
  return std::clamp(2 * (decoy.tau(0) * least + decoy.delta(n)), Real{0}, n);
}

/// Detections from single photons at least.
Real single(const DecoyStatistics& decoy, const BasisCounts& basis) {
  const Real mu1 = decoy.mu(0);
  const Real mu2 = decoy.mu(1);
  const Real ratio = mu2 * mu2 / (mu1 * mu1);
  const Real one = decoy.tau(1) * mu1 / (mu2 * (mu1 - mu2)) *
                   (corrected(decoy, basis.n, 1, -1) - ratio * corrected(decoy, basis.n, 0, +1) -
                    (1 - ratio) * empty_max(decoy, basis) / decoy.tau(0));
  return std::clamp(one, Real{0}, static_cast<Real>(basis.detections()));
}

/// Serfling: from the rate among d tested to that among c untested.
Real serfling(Real epsilon, Real c, Real d) {
  return std::sqrt((d + c) / (d * c) * (d + 1) / d * std::log(1 / epsilon));
}

}  // namespace

Bounds wiesemann2024(const Observation& seen) {
  const Real epsilon = seen.eps_sec / parts;
  const DecoyStatistics decoy{seen, epsilon};
  const Real errors = decoy.tau(1) / (decoy.mu(0) - decoy.mu(1)) *
                      (corrected(decoy, seen.test.m, 0, +1) - corrected(decoy, seen.test.m, 1, -1));
  Bounds bounds{.s_key_1 = single(decoy, seen.key),
                .s_test_1 = single(decoy, seen.test),
                .v_test_1 = std::clamp(errors, Real{0}, static_cast<Real>(seen.test.detections()))};
  constexpr Real unknown = 0.5L;
  if (bounds.s_key_1 > 0 && bounds.s_test_1 > 0) {
    const Real ratio = std::min(unknown, bounds.v_test_1 / bounds.s_test_1);
    bounds.phase_error = std::min(unknown, ratio + serfling(epsilon, bounds.s_key_1, bounds.s_test_1));
  }
  bounds.penalty_bits = 4 * std::log2(parts / (seen.eps_sec * std::pow(Real{2}, Real{0.25L}))) +
                        std::log2(2 / static_cast<Real>(seen.eps_cor));
  return bounds;
}

}  // namespace cloister::distill
