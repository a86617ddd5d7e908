#include "appliance/distill/decoy.hpp"

#include <algorithm>
#include <cmath>

namespace cloister::distill {

DecoyStatistics::DecoyStatistics(const Observation& seen, Real epsilon) : seen_{seen}, epsilon_{epsilon} {
  for (std::size_t k = 0; k < intensity_count(seen.bound); ++k) {
    const Real empty = seen.probabilities[k] * std::exp(-mu(k));
    tau_[0] += empty;
    tau_[1] += empty * mu(k);
  }
}

Real DecoyStatistics::weight(std::size_t k) const { return std::exp(mu(k)) / seen_.probabilities[k]; }

Real DecoyStatistics::delta(Real total) const { return std::sqrt(total / 2 * std::log(1 / epsilon_)); }

Real DecoyStatistics::corrected(const std::array<std::uint64_t, intensities_max>& counts, std::size_t k,
                                Real sign) const {
  const Real total = static_cast<Real>(counts[0]) + static_cast<Real>(counts[1]) + static_cast<Real>(counts[2]);
  return weight(k) * (static_cast<Real>(counts[k]) + sign * delta(total));
}

Real penalty_bits(const Observation& seen, Real parts) {
  return 6 * std::log2(parts / seen.eps_sec) + std::log2(2 / static_cast<Real>(seen.eps_cor));
}

Real gamma(Real eps_sec, Real parts, Real b, Real c, Real d) {
  const Real variance = (c + d) * (1 - b) * b / (c * d * std::log(Real{2}));
  return std::sqrt(variance * std::log2((c + d) / (c * d * (1 - b) * b) * parts * parts / (eps_sec * eps_sec)));
}

Real phase_error(const Observation& seen, Real parts, Real s_key_1, Real s_test_1, Real v_test_1) {
  constexpr Real unknown = 0.5L;
  if (seen.test.errors() == 0 || s_key_1 <= 0 || s_test_1 <= 0) return unknown;
  const Real ratio = v_test_1 / s_test_1;
  if (ratio <= 0 || ratio >= unknown) return unknown;
  const Real bound = ratio + gamma(seen.eps_sec, parts, ratio, s_key_1, s_test_1);
  return std::isfinite(bound) ? std::min(unknown, bound) : unknown;
}

}  // namespace cloister::distill
