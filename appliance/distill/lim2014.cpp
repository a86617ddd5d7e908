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

struct Photons {
  Real s_0 = 0;
  Real s_1 = 0;
};

/// e^k / p_k (count ± delta(total)), where the deviation is that of the basis, for every intensity.
Real corrected(const DecoyStatistics& decoy, const std::array<std::uint64_t, intensities_max>& counts, std::size_t k,
               Real sign) {
  const Real total = static_cast<Real>(counts[0]) + static_cast<Real>(counts[1]) + static_cast<Real>(counts[2]);
  return decoy.weight(k) * (static_cast<Real>(counts[k]) + sign * decoy.delta(total));
}

Photons photons(const DecoyStatistics& decoy, const BasisCounts& basis) {
  const Real mu1 = decoy.mu(0);
  const Real mu2 = decoy.mu(1);
  const Real mu3 = decoy.mu(2);
  const Real zero = decoy.tau(0) / (mu2 - mu3) *
                    (mu2 * corrected(decoy, basis.n, 2, -1) - mu3 * corrected(decoy, basis.n, 1, +1));  // (2)
  const Real s_0 = std::max(Real{0}, zero);
  const Real one =
      decoy.tau(1) * mu1 / (mu1 * (mu2 - mu3) - mu2 * mu2 + mu3 * mu3) *
      (corrected(decoy, basis.n, 1, -1) - corrected(decoy, basis.n, 2, +1) -
       (mu2 * mu2 - mu3 * mu3) / (mu1 * mu1) * (corrected(decoy, basis.n, 0, +1) - s_0 / decoy.tau(0)));  // (3)
  return {s_0, std::max(Real{0}, one)};
}

}  // namespace

Bounds lim2014(const Observation& seen) {
  const DecoyStatistics decoy{seen, seen.eps_sec / parts};
  const Photons key = photons(decoy, seen.key);
  const Photons test = photons(decoy, seen.test);
  const Real errors = decoy.tau(1) / (decoy.mu(1) - decoy.mu(2)) *
                      (corrected(decoy, seen.test.m, 1, +1) - corrected(decoy, seen.test.m, 2, -1));  // (4)
  Bounds bounds{.s_key_0 = key.s_0, .s_key_1 = key.s_1, .s_test_1 = test.s_1, .v_test_1 = std::max(Real{0}, errors)};
  bounds.phase_error = phase_error(seen, parts, bounds.s_key_1, bounds.s_test_1, bounds.v_test_1);             // (5)
  bounds.penalty_bits = 6 * std::log2(parts / seen.eps_sec) + std::log2(2 / static_cast<Real>(seen.eps_cor));  // (1)
  return bounds;
}

}  // namespace cloister::distill
