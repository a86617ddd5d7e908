#pragma once
/// What the receiver makes of one slot: of weak light, of a number of photons, of light so bright that its detectors are
/// no detectors any more.

#include <array>
#include <cmath>
#include <cstdint>

#include "hal/fibre/detectors.hpp"
#include "hal/frame.hpp"

namespace cloister::hal::fibre {

/// Probabilities of the three kinds of click of the two detectors of one basis; what is left is none.
struct BitOdds {
  std::array<double, 2> only{};  ///< Only the detector of this bit.
  double both = 0;
  [[nodiscard]] double any() const { return only[0] + only[1] + both; }
};

inline constexpr std::array<std::uint8_t, 2> bit_values{0, 1};

/// A basis and a bit: what light carries.
struct Carried {
  Basis basis = Basis::z;
  std::uint8_t bit = 0;
};

struct Receiver {
  double efficiency = 0;
  double efficiency_ratio = 1;
  double dark_count_probability = 0;
  double misalignment = 0;

  /// Coherent light of this mean photon number before the receiver.
  [[nodiscard]] BitOdds coherent(double mean_photons, Carried light, Basis measured) const {
    const auto odds = click_odds(efficiency * mean_photons, stray(light, measured), dark_count_probability,
                                 efficiencies(light.bit, efficiency_ratio));
    BitOdds out{.only = {}, .both = odds.any - odds.wrong};
    out.only[light.bit] = odds.right;
    out.only[light.bit ^ 1U] = odds.wrong - odds.right;
    return out;
  }

  /// So many photons, each of which goes its own way: to the right detector, to the wrong one, or nowhere.
  [[nodiscard]] BitOdds photons(unsigned number, Carried light, Basis measured) const {
    const auto ratios = efficiencies(light.bit, efficiency_ratio);
    const double right = efficiency * (1 - stray(light, measured)) * ratios.right;
    const double wrong = efficiency * stray(light, measured) * ratios.wrong;
    const double dark = 1 - dark_count_probability;
    const double no_right = dark * std::pow(1 - right, number);
    const double no_wrong = dark * std::pow(1 - wrong, number);
    const double neither = dark * dark * std::pow(1 - right - wrong, number);
    BitOdds out{.only = {}, .both = 1 - no_right - no_wrong + neither};
    out.only[light.bit] = no_wrong - neither;
    out.only[light.bit ^ 1U] = no_right - neither;
    return out;
  }

 private:
  [[nodiscard]] double stray(Carried light, Basis measured) const {
    return light.basis == measured ? misalignment : 0.5;
  }
};

}  // namespace cloister::hal::fibre
