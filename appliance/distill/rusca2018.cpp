// One decoy: Rusca, Boaron, Grünenfelder, Martin, Zbinden, "Finite-key analysis for the 1-decoy state QKD protocol",
// APL 112, 171104 (2018). Equation numbers are those of its appendix A.

#include <algorithm>
#include <cmath>

#include "appliance/distill/decoy.hpp"
#include "appliance/distill/secret_length.hpp"

namespace cloister::distill {
namespace {

/// eps_sec is the sum of 19 equal parts (A25).
constexpr Real parts = 19;

/// (A14), (A16): empty pulses err half of the time, so errors bound them from above.
Real empty_max(const DecoyStatistics& decoy, const BasisCounts& basis) {
  const auto n = static_cast<Real>(basis.detections());
  const auto m = static_cast<Real>(basis.errors());
  Real least = 2 * (m + decoy.delta(n));
  for (std::size_t k = 0; k < 2; ++k)
    least = std::min(least, 2 * (decoy.tau(0) * decoy.corrected(basis.m, k, +1) + decoy.delta(n)));
  return least;
}

Photons photons(const DecoyStatistics& decoy, const BasisCounts& basis) {
  const Real mu1 = decoy.mu(0);
  const Real mu2 = decoy.mu(1);
  const Real signal_max = decoy.corrected(basis.n, 0, +1);
  const Real decoy_min = decoy.corrected(basis.n, 1, -1);
  const Real ratio = mu2 * mu2 / (mu1 * mu1);
  const Real one = decoy.tau(1) * mu1 / (mu2 * (mu1 - mu2)) *
                   (decoy_min - ratio * signal_max - (1 - ratio) * empty_max(decoy, basis) / decoy.tau(0));  // (A17)
  const Real zero = decoy.tau(0) / (mu1 - mu2) * (mu1 * decoy_min - mu2 * signal_max);                       // (A19)
  return {std::max(Real{0}, zero), std::max(Real{0}, one)};
}

}  // namespace

Bounds rusca2018(const Observation& seen) {
  const DecoyStatistics decoy{seen, seen.eps_sec / parts};
  const Photons key = photons(decoy, seen.key);
  const Photons test = photons(decoy, seen.test);
  const Real errors = decoy.tau(1) / (decoy.mu(0) - decoy.mu(1)) *
                      (decoy.corrected(seen.test.m, 0, +1) - decoy.corrected(seen.test.m, 1, -1));  // (A22)
  Bounds bounds{.s_key_0 = key.s_0, .s_key_1 = key.s_1, .s_test_1 = test.s_1, .v_test_1 = std::max(Real{0}, errors)};
  bounds.phase_error = phase_error(seen, parts, bounds.s_key_1, bounds.s_test_1, bounds.v_test_1);  // (A23)
  bounds.penalty_bits = penalty_bits(seen, parts);                                                  // (A25)
  return bounds;
}

}  // namespace cloister::distill
