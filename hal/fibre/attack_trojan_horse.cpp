// Trojan horse. Vakhitov, Makarov and Hjelme, J. Mod. Opt. 48, 2023 (2001); Gisin, Fasel, Kraus, Zbinden and Ribordy, PRA 73, 022320 (2006).
//
// Eve shines into the transmitter between its own pulses. A little comes back, with the modulators' settings on it. It is her own laser, whose phase
// she holds, so the two settings of a bit are two pure states of overlap e^-μ, and she learns at most h((1 - e^-μ) / 2) of it: Holevo, Probl.
// Inf. Transm. 9, 177 (1973). She is given all of that here. The quantum signal is as it was. That the intensity's setting leaks as well, which
// would tell decoys from signals, is not modelled. What comes back is what she sends in less the optics' isolation, so for a photon she must send in
// ten thousand million at 100 dB, and that is light that a photodiode sees.

#include <cmath>

#include "hal/fibre/eavesdropper.hpp"

namespace cloister::hal::fibre {

std::vector<Branch> branches_of(const TrojanHorse& attack, const QuietLink& link, std::size_t intensity, Carried sent,
                                Basis measured) {
  auto branches = left_alone(link, intensity, sent, measured, 1 - attack.fraction);
  auto told = link.untouched(intensity, sent, measured);
  told.probability = attack.fraction;
  told.eve_knows = sent;
  told.eve_bits = 1 - bits_known((1 + std::exp(-attack.photons)) / 2);
  branches.push_back(told);
  return branches;
}

Traces traces_of(const TrojanHorse& attack, const QuietLink& link) {
  return {.photons_into_transmitter = attack.fraction * attack.photons * std::pow(10, link.isolation_db / 10)};
}

}  // namespace cloister::hal::fibre
