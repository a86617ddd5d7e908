// Intercept and resend. Bennett, Bessette, Brassard, Salvail and Smolin, J. Cryptology 5, 3 (1992).
//
// Eve takes a fraction p of the pulses, measures each in a basis of her own with perfect detectors, which click when the
// pulse has a photon at all, and sends a pulse with her basis and bit, or nothing. Her pulse's mean, μ_1 / (1 - e^-μ_1),
// keeps the signal's gain close to what it would be. With random bases the error rate is e + p (1/4 - e/2), e being that
// without her; always in Z, nothing is seen in Z and e + p (1/2 - e) in X.
//
// With many photons at the receiver this is the attack on receivers that drop double clicks: where her basis was the
// wrong one, both detectors click, and no error is left. Lütkenhaus, PRA 59, 3301 (1999).

#include <algorithm>

#include "hal/fibre/eavesdropper.hpp"
#include "hal/fibre/source.hpp"

namespace cloister::hal::fibre {

namespace {

/// Of what she saw, as many as keep the signal's gain: a bright pulse is hardly ever missed.
double sent_on(const InterceptResend& attack, const QuietLink& link) {
  const double signal = link.source.intensities[0];
  const double quiet = photon_probability(link.transmittance * link.receiver.efficiency * signal);
  const double hers = photon_probability(signal) * photon_probability(link.receiver.efficiency * attack.mean_photons);
  return hers > 0 ? std::min(1.0, quiet / hers) : 0;
}

}  // namespace

std::vector<Branch> branches_of(const InterceptResend& attack, const QuietLink& link, std::size_t intensity,
                                Carried sent, Basis measured) {
  auto branches = left_alone(link, intensity, sent, measured, 1 - attack.fraction);
  const double signal = link.source.intensities[0];
  const bool bright = attack.mean_photons > 0;
  const double mean = bright ? attack.mean_photons : link.transmittance * signal / photon_probability(signal);
  const double sees =
      attack.fraction * photon_probability(link.source.intensities[intensity]) * (bright ? sent_on(attack, link) : 1);
  branches.push_back(
      {.probability = attack.fraction - sees, .response = link.receiver.coherent(0, sent, measured), .eve_knows = {}});
  for (const Basis basis : {Basis::z, Basis::x}) {
    if (attack.basis == EveBasis::z && basis == Basis::x) continue;
    const double chosen = attack.basis == EveBasis::z ? sees : sees / 2;
    for (const std::uint8_t bit : bit_values) {
      if (basis == sent.basis && bit != sent.bit) continue;  // her detectors do not err
      const Carried seen{.basis = basis, .bit = bit};
      branches.push_back({.probability = basis == sent.basis ? chosen : chosen / 2,
                          .response = link.receiver.coherent(mean, seen, measured),
                          .eve_knows = seen});
    }
  }
  return branches;
}

}  // namespace cloister::hal::fibre
