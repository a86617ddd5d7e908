// Beam splitting, alone and with laser seeding. Bennett et al., J. Cryptology 5, 3 (1992); Félix, Gisin, Stefanov and Zbinden, J. Mod. Opt. 48, 2009
// (2001).
//
// Eve splits off what the fibre would lose and sends the rest over a fibre that loses nothing. Split light is independent: nothing
// changes at the receiver, and she has a pulse of mean μ (1 - t) of which she reads the bit, once the bases are told, whenever it has a photon.
// That is what the decoys' bound charges for, pulses of more than one photon, and hardly more.
//
// Seeding: she shines into the transmitter's laser, which makes its pulses brighter by a gain g, all intensities alike: Huang, Navarrete, Sun,
// Chaiwongkhot, Curty and Makarov, Phys. Rev. Applied 12, 064043 (2019); Pang et al., Phys. Rev. Applied 13, 034008 (2020). She now splits off
// g μ - t μ. The receiver sees what it has always seen; the bound counts with μ, and charges too little.

#include "hal/fibre/eavesdropper.hpp"
#include "hal/fibre/source.hpp"

namespace cloister::hal::fibre {

std::vector<Branch> branches_of(const BeamSplitting& attack, const QuietLink& link, std::size_t intensity, Carried sent,
                                Basis measured) {
  const double kept = (attack.gain - link.transmittance) * link.source.intensities[intensity];
  const double knows = attack.fraction * photon_probability(kept);
  auto branches = left_alone(link, intensity, sent, measured, 1 - knows);
  auto told = link.untouched(intensity, sent, measured);
  told.probability = knows;
  told.eve_knows = sent;
  branches.push_back(told);
  return branches;
}

Traces traces_of(const BeamSplitting& attack, const QuietLink&) {
  return {.output_gain = 1 + attack.fraction * (attack.gain - 1)};
}

}  // namespace cloister::hal::fibre
