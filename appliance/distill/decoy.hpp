#pragma once
/// What the decoy-state bounds have in common: photon-number probabilities, corrected counts, the deviations of finite
/// samples.

#include "appliance/distill/observation.hpp"

namespace cloister::distill {

/// Both boxes compute the length and must agree to the bit. `long double` keeps rounding (1e-19) far below the one bit
/// to which lengths are floored, and its functions do not depend on which vector instructions a processor has, as those
/// of `double` may.
using Real = long double;

class DecoyStatistics {
 public:
  /// `epsilon`: the probability that one of the bounds fails.
  DecoyStatistics(const Observation& seen, Real epsilon);

  [[nodiscard]] Real mu(std::size_t k) const { return seen_.intensities[k]; }
  /// e^mu / p: from a count at one intensity to what all pulses, had they this intensity, weigh.
  [[nodiscard]] Real weight(std::size_t k) const;
  /// The probability that a pulse has 0 or 1 photons.
  [[nodiscard]] Real tau(std::size_t photons) const { return tau_[photons]; }
  /// Hoeffding's deviation of a count out of `total`: sqrt(total / 2 ln(1 / epsilon)).
  [[nodiscard]] Real delta(Real total) const;
  /// e^k / p_k (count ± delta(total)), the deviation that of the basis for every intensity: Lim et al.; Rusca (A18).
  [[nodiscard]] Real corrected(const std::array<std::uint64_t, intensities_max>& counts, std::size_t k,
                               Real sign) const;

 private:
  Observation seen_;
  Real epsilon_;
  std::array<Real, 2> tau_{};
};

/// Lower bounds on the detections of a basis that came from pulses of no photon and of one.
struct Photons {
  Real s_0 = 0;
  Real s_1 = 0;
};

/// Lim (1), Rusca (A25): what is subtracted but leakage, where eps_sec is made of that many equal parts.
[[nodiscard]] Real penalty_bits(const Observation& seen, Real parts);

/// From the error rate b among d tested to that among c untested: Lim et al., below eq. (5). `parts` is the number of
/// equal parts of which eps_sec is made.
[[nodiscard]] Real gamma(Real eps_sec, Real parts, Real b, Real c, Real d);

/// Lim (5), Rusca (A23). Where the counts say nothing (no single photons, no error at all in the test basis, when gamma
/// would vanish) it is one half.
[[nodiscard]] Real phase_error(const Observation& seen, Real parts, Real s_key_1, Real s_test_1, Real v_test_1);

}  // namespace cloister::distill
