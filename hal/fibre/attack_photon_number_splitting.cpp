// Photon-number splitting. Brassard, Lütkenhaus, Mor and Sanders, PRL 85, 1330 (2000); against it, decoys: Hwang, PRL 91, 057901 (2003).
//
// Eve counts the photons of a pulse without disturbing them. Of two or more she keeps one, which she measures once the bases are
// told, and sends the others on without loss. Single photons she holds back, but for as many as keep the signal's gain what it is
// without her. Nothing of it makes an error; the decoys' gains tell, as their pulses have fewer photons.

#include <algorithm>
#include <cmath>

#include "hal/fibre/eavesdropper.hpp"
#include "hal/fibre/source.hpp"

namespace cloister::hal::fibre {
namespace {

/// More than so many photons in a pulse are as many: at one photon on average the probability is below 1e-18.
constexpr unsigned photons_max = 20;

double poisson(unsigned number, double mean) {
  if (mean <= 0) return number == 0 ? 1 : 0;
  return std::exp(number * std::log(mean) - mean - std::lgamma(number + 1.0));
}

/// The part of single photons that she lets pass.
double passing_singles(const PhotonNumberSplitting& attack, const QuietLink& link) {
  if (!attack.keeps_rate) return 0;
  const double mean = link.source.intensities[0];
  const double wanted = photon_probability(link.transmittance * link.receiver.efficiency * mean);
  double split = 0;
  for (unsigned number = 2; number <= photons_max; ++number)
    split += poisson(number, mean) * -std::expm1((number - 1) * std::log1p(-link.receiver.efficiency));
  const double single = poisson(1, mean) * link.receiver.efficiency;
  return single > 0 ? std::clamp((wanted - split) / single, 0.0, 1.0) : 0;
}

}  // namespace

std::vector<Branch> branches_of(const PhotonNumberSplitting& attack, const QuietLink& link, std::size_t intensity,
                                Carried sent, Basis measured) {
  auto branches = left_alone(link, intensity, sent, measured, 1 - attack.fraction);
  const double mean = link.source.intensities[intensity];
  const double passes = passing_singles(attack, link);
  double rest = 1;
  const auto add = [&](double probability, unsigned sent_on, bool keeps_one) {
    branches.push_back({.probability = attack.fraction * probability,
                        .response = link.receiver.photons(sent_on, sent, measured),
                        .eve_knows = keeps_one ? std::optional{sent} : std::nullopt});
  };
  for (unsigned number = 0; number <= photons_max; ++number) {
    const double probability = number == photons_max ? rest : poisson(number, mean);
    rest -= probability;
    if (number == 1) {
      add(probability * passes, 1, false);
      add(probability * (1 - passes), 0, false);
    } else {
      add(probability, number == 0 ? 0 : number - 1, number > 1);
    }
  }
  return branches;
}

}  // namespace cloister::hal::fibre
