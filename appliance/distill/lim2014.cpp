// Two decoys: Lim, Curty, Walenta, Xu, Zbinden, "Concise security bounds for practical decoy-state quantum key
// distribution", PRA 89, 022307 (2014). Equation numbers are the paper's.

#include <algorithm>
#include <cmath>

#include "appliance/distill/decoy.hpp"
#include "appliance/distill/secret_length.hpp"

namespace cloister::distill {
namespace {

/// eps_sec is the sum of 21 equal parts.
constexpr Real parts = 21;

Photons photons(const DecoyStatistics& decoy, const BasisCounts& basis) {
  const Real mu1 = decoy.mu(0);
  const Real mu2 = decoy.mu(1);
  const Real mu3 = decoy.mu(2);
  const Real zero = decoy.tau(0) / (mu2 - mu3) *
                    (mu2 * decoy.corrected(basis.n, 2, -1) - mu3 * decoy.corrected(basis.n, 1, +1));  // (2)
  const Real s_0 = std::max(Real{0}, zero);
  const Real one =
      decoy.tau(1) * mu1 / (mu1 * (mu2 - mu3) - mu2 * mu2 + mu3 * mu3) *
      (decoy.corrected(basis.n, 1, -1) - decoy.corrected(basis.n, 2, +1) -
       (mu2 * mu2 - mu3 * mu3) / (mu1 * mu1) * (decoy.corrected(basis.n, 0, +1) - s_0 / decoy.tau(0)));  // (3)
  return {s_0, std::max(Real{0}, one)};
}

}  // namespace

Bounds lim2014(const Observation& seen) {
  const DecoyStatistics decoy{seen, seen.eps_sec / parts};
  const Photons key = photons(decoy, seen.key);
  const Photons test = photons(decoy, seen.test);
  const Real errors = decoy.tau(1) / (decoy.mu(1) - decoy.mu(2)) *
                      (decoy.corrected(seen.test.m, 1, +1) - decoy.corrected(seen.test.m, 2, -1));  // (4)
  Bounds bounds{.s_key_0 = key.s_0, .s_key_1 = key.s_1, .s_test_1 = test.s_1, .v_test_1 = std::max(Real{0}, errors)};
  bounds.phase_error = phase_error(seen, parts, bounds.s_key_1, bounds.s_test_1, bounds.v_test_1);  // (5)
  bounds.penalty_bits = penalty_bits(seen, parts);                                                  // (1)
  return bounds;
}

}  // namespace cloister::distill
