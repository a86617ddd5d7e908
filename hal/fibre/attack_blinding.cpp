// Detector blinding by continuous light. Lydersen, Wiechers, Wittmann, Elser, Skaar and Makarov, Nat. Photonics 4, 686 (2010).
//
// Bright light keeps the photodiodes below breakdown: they see no photon and count nothing in the dark. A bright pulse on top makes one
// click when all of it falls on one detector, and none when it is halved between two. Eve measures as the receiver would, with perfect
// detectors and the same choice of bases, and sends such a pulse for what she saw: the receiver clicks only where his basis is hers, always
// with her bit, and never twice. She sends as many as keep the rate of clicks what it is without her. The light shows in the detectors'
// current: half a milliampere, as a milliwatt makes in a photodiode.
//
// Pulsed: no light but the bright pulses, which come behind the gate, when the photodiodes are below breakdown by themselves. The current
// shows nothing; the times of arrival do. Wiechers, Lydersen, Wittmann, Elser, Skaar, Marquardt, Makarov and Leuchs, New J. Phys. 13,
// 013043 (2011).
//
// Two energies: against a receiver that dims gates at random she sends half of her pulses so bright that they click in any gate, and half
// only in one of full efficiency: a dimmed gate clicks half as often, as it should. Huang, Sajeed, Chaiwongkhot, Soucarros, Legré and Makarov,
// IEEE J. Quantum Electron. 52, 8000211 (2016).

#include <algorithm>

#include "hal/fibre/eavesdropper.hpp"
#include "hal/fibre/source.hpp"

namespace cloister::hal::fibre {
namespace {

double choice(const QuietLink& link, Basis basis) {
  return basis == Basis::z ? link.source.z_probability : 1 - link.source.z_probability;
}

/// The part of what she saw that she sends on.
double sent_on(const QuietLink& link) {
  double quiet = 0;
  double seen = 0;
  for (std::size_t k = 0; k < link.source.intensity_count(); ++k) {
    const double mean = link.source.intensities[k];
    quiet += link.source.probabilities[k] * photon_probability(link.transmittance * link.receiver.efficiency * mean);
    seen += link.source.probabilities[k] * photon_probability(mean);
  }
  double same = 0;
  for (const Basis basis : {Basis::z, Basis::x}) same += choice(link, basis) * choice(link, basis);
  return seen > 0 ? std::min(1.0, quiet / (seen * same)) : 0;
}

}  // namespace

std::vector<Branch> branches_of(const Blinding& attack, const QuietLink& link, std::size_t intensity, Carried sent,
                                Basis measured) {
  auto branches = left_alone(link, intensity, sent, measured, 1 - attack.fraction);
  const double clicks_in_gate = attack.two_energies && link.receiver.dimming < 1 ? 0.5 : 1;
  const double sends = attack.fraction * clicks_in_gate * sent_on(link) *
                       photon_probability(link.source.intensities[intensity]) * choice(link, measured);
  for (const std::uint8_t bit : bit_values) {
    if (measured == sent.basis && bit != sent.bit) continue;
    Branch branch{.probability = measured == sent.basis ? sends : sends / 2,
                  .response = {},
                  .eve_knows = Carried{.basis = measured, .bit = bit}};
    branch.response.only[bit] = 1;
    branch.bright = true;
    branch.arrival_seconds = attack.arrival_seconds;
    branches.push_back(branch);
  }
  branches.push_back({.probability = attack.fraction - sends, .response = {}, .eve_knows = {}});
  return branches;
}

Traces traces_of(const Blinding& attack, const QuietLink&) {
  return {.detector_amperes = attack.pulsed ? 0 : attack.fraction * attack.blinded_amperes};
}

}  // namespace cloister::hal::fibre
