#pragma once
/// Eve at the transmitter's output: intercept and resend. Bennett, Bessette, Brassard, Salvail and Smolin, J.
/// Cryptology 5, 3 (1992).
///
/// She takes a fraction of the pulses, measures each in a basis of her own with perfect detectors, which click when the
/// pulse has a photon at all, and sends a pulse with her basis and bit, or nothing. Her pulse's mean, μ_1 / (1 -
/// e^-μ_1), keeps the signal's gain close to what it would be. With random bases the error rate is e + p (1/4 - e/2), e
/// being that without her, p the fraction.

#include <cstdint>
#include <optional>

#include "hal/fibre/source.hpp"
#include "hal/fibre/xoshiro.hpp"
#include "hal/frame.hpp"
#include "hal/simulator/source_settings.hpp"

namespace cloister::hal::fibre {

enum class EveBasis : std::uint8_t { random, z };

struct InterceptResend {
  double fraction = 1;
  EveBasis basis = EveBasis::random;
};

/// What travels on: which brightness, and what it carries.
/// The first three as a symbol numbers its intensities.
enum class Brightness : std::uint8_t { signal, decoy, second_decoy, eve, vacuum };
struct Pulse {
  Basis basis;
  std::uint8_t bit;
  Brightness brightness;
};

inline double eve_mean_photons(const simulator::SourceSettings& settings) {
  return settings.intensities[0] / photon_probability(settings.intensities[0]);
}

inline Pulse emitted(Symbol symbol) {
  return {.basis = symbol.basis, .bit = symbol.bit, .brightness = static_cast<Brightness>(symbol.intensity)};
}

/// Her choices are drawn when the slot is looked at and not kept: thinning looks at each slot at most once, so this is
/// the same as having drawn them for every slot beforehand.
class Eavesdropper {
 public:
  Eavesdropper(std::optional<InterceptResend> attack, const simulator::SourceSettings& settings)
      : attack_{attack},
        sees_{photon_probability(settings.intensities[0]), photon_probability(settings.intensities[1]),
              photon_probability(settings.intensities[2])} {}

  Pulse passes(Pulse pulse, Xoshiro& dice) const {
    if (!attack_ || dice.uniform() >= attack_->fraction) return pulse;
    if (dice.uniform() >= sees_[static_cast<std::size_t>(pulse.brightness)]) {
      pulse.brightness = Brightness::vacuum;
      return pulse;
    }
    const auto coins = dice.bits() >> 62;
    const auto basis = attack_->basis == EveBasis::z || (coins & 1U) == 0 ? Basis::z : Basis::x;
    const auto bit = basis == pulse.basis ? pulse.bit : static_cast<std::uint8_t>(coins >> 1);
    return {.basis = basis, .bit = bit, .brightness = Brightness::eve};
  }

 private:
  std::optional<InterceptResend> attack_;
  std::array<double, 3> sees_;
};

}  // namespace cloister::hal::fibre
