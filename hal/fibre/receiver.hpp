#pragma once
/// What the receiver makes of one slot: of weak light, of a number of photons, of light so bright that its detectors are
/// no detectors any more.

#include <array>
#include <cmath>
#include <cstdint>

#include "hal/fibre/detectors.hpp"
#include "hal/fibre/gate.hpp"
#include "hal/frame.hpp"

namespace cloister::hal::fibre {

/// Probabilities of the three kinds of click of the two detectors of one basis; what is left is none.
struct BitOdds {
  std::array<double, 2> only{};  ///< Only the detector of this bit.
  double both = 0;
  std::array<double, 2> dark_share{};  ///< Of the clicks of the detector of this bit, those that are no light.
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
  Gate gate{};
  /// Of the efficiency, in a gate that the receiver has dimmed. Lim, Walenta, Legré, Gisin and Zbinden, IEEE J. Sel. Top. Quantum
  /// Electron. 21, 6601305 (2015).
  double dimming = 1;

  /// Coherent light of this mean photon number before the receiver, that comes at this time.
  [[nodiscard]] BitOdds coherent(double mean_photons, Carried light, Basis measured, double arrival = 0) const {
    const auto detectors = seen(light.bit, arrival);
    const double mean = efficiency * dimming * mean_photons;
    const double part = stray(light, measured);
    const auto odds = click_odds(mean, part, dark_count_probability, detectors);
    BitOdds out{.only = {}, .both = odds.any - odds.wrong};
    out.only[light.bit] = odds.right;
    out.only[light.bit ^ 1U] = odds.wrong - odds.right;
    out.dark_share[light.bit] = dark_share(-std::expm1(-mean * (1 - part) * detectors.right));
    out.dark_share[light.bit ^ 1U] = dark_share(-std::expm1(-mean * part * detectors.wrong));
    return out;
  }

  /// So many photons, each of which goes its own way: to the right detector, to the wrong one, or nowhere.
  [[nodiscard]] BitOdds photons(unsigned number, Carried light, Basis measured) const {
    const auto ratios = seen(light.bit, 0);
    const double right = efficiency * dimming * (1 - stray(light, measured)) * ratios.right;
    const double wrong = efficiency * dimming * stray(light, measured) * ratios.wrong;
    const double dark = 1 - dark_count_probability;
    const double no_right = dark * std::pow(1 - right, number);
    const double no_wrong = dark * std::pow(1 - wrong, number);
    const double neither = dark * dark * std::pow(1 - right - wrong, number);
    BitOdds out{.only = {}, .both = 1 - no_right - no_wrong + neither};
    out.only[light.bit] = no_wrong - neither;
    out.only[light.bit ^ 1U] = no_right - neither;
    out.dark_share[light.bit] = dark_share(1 - std::pow(1 - right, number));
    out.dark_share[light.bit ^ 1U] = dark_share(1 - std::pow(1 - wrong, number));
    return out;
  }

 private:
  [[nodiscard]] double stray(Carried light, Basis measured) const {
    return light.basis == measured ? misalignment : 0.5;
  }
  [[nodiscard]] Efficiencies seen(std::uint8_t bit, double arrival) const {
    auto both = efficiencies(bit, efficiency_ratio);
    both.right *= gate.seen(bit, arrival);
    both.wrong *= gate.seen(bit ^ 1U, arrival);
    return both;
  }
  /// Of the clicks of a detector that sees light with this probability.
  [[nodiscard]] double dark_share(double light) const {
    const double dark = dark_count_probability * (1 - light);
    return dark > 0 ? dark / (light + dark) : 0;
  }
};

}  // namespace cloister::hal::fibre
