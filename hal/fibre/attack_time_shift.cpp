// Time shift. Qi, Fung, Lo and Ma, Quant. Inf. Comp. 7, 73 (2007); on a commercial system, Zhao, Fung, Qi, Chen and Lo, PRA 78, 042333 (2008).
//
// Where the two detectors' gates are apart, light that comes early is seen by the one more often, and light that comes late by the other. Eve
// delays or advances each pulse, at random, and measures nothing: no error is made, and of a click she guesses the bit that her shift
// favours, right with probability η_1 / (η_0 + η_1). Zeros and ones stay alike as she shifts to both sides. At the edges of the gates less light is
// seen, for which she makes up with a fibre that loses less, as far as there is one.

#include <algorithm>

#include "hal/fibre/eavesdropper.hpp"

namespace cloister::hal::fibre {
namespace {

double seen(const QuietLink& link, double arrival) {
  const auto& gate = link.receiver.gate;
  return gate.seen(0, arrival) + link.receiver.efficiency_ratio * gate.seen(1, arrival);
}

}  // namespace

std::vector<Branch> branches_of(const TimeShift& attack, const QuietLink& link, std::size_t intensity, Carried sent,
                                Basis measured) {
  auto branches = left_alone(link, intensity, sent, measured, 1 - attack.fraction);
  for (const double arrival : {-attack.shift_seconds, attack.shift_seconds}) {
    const auto& gate = link.receiver.gate;
    const double zero = gate.seen(0, arrival);
    const double one = link.receiver.efficiency_ratio * gate.seen(1, arrival);
    const std::uint8_t favoured = one > zero ? 1 : 0;
    const double loss = std::min(1.0, link.transmittance * seen(link, 0) / std::max(zero + one, 1e-300));
    branches.push_back(
        {.probability = attack.fraction / 2,
         .response = link.receiver.coherent(loss * link.source.intensities[intensity], sent, measured, arrival),
         .eve_knows = Carried{.basis = measured, .bit = favoured},
         .eve_bits = bits_known(std::max(zero, one) / std::max(zero + one, 1e-300)),
         .arrival_seconds = arrival});
  }
  return branches;
}

}  // namespace cloister::hal::fibre
