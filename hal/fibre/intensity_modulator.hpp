#pragma once
/// The transmitter's intensity modulator, which is neither quite dark nor without memory.
///
///   extinction  no pulse is weaker than the signal's by more than E dB:  μ_k' = max(μ_k, μ_0 10^(-E / 10))
///   pattern     a pulse keeps something of the one before:               μ_k|j = μ_k' + p (μ_j' - μ_k')
///
/// A vacuum that is none, for want of extinction: Lucamarini et al., Opt. Express 21, 24550 (2013). Pattern: Yoshino, Fujiwara,
/// Nakata, Sumiya, Sasaki, Takeoka, Sasaki, Tajima, Koashi and Tomita, npj Quantum Inf. 4, 8 (2018), of which only the memory of one
/// pulse is kept, as a first-order low-pass has it.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace cloister::hal::fibre {

struct IntensityModulator {
  double extinction_db = 0;  ///< 0: as dark as is asked for.
  double pattern = 0;        ///< How much of the pulse before is left, from 0 on.

  [[nodiscard]] bool remembers() const { return pattern > 0; }
  /// The mean photon number of intensity `k`, where intensity `before` was sent in the slot before.
  [[nodiscard]] double mean_photons(const std::array<double, 3>& asked_for, std::size_t k, std::size_t before) const {
    const double floor = extinction_db > 0 ? asked_for[0] * std::pow(10, -extinction_db / 10) : 0;
    const double mean = std::max(asked_for[k], floor);
    return mean + pattern * (std::max(asked_for[before], floor) - mean);
  }
};

}  // namespace cloister::hal::fibre
