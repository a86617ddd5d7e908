#include "appliance/distill/observation.hpp"

#include <cmath>
#include <format>

namespace cloister::distill {
namespace {

/// A double counts exactly so far.
constexpr std::uint64_t count_max = std::uint64_t{1} << 53U;
/// Far beyond any decoy protocol; keeps e^mu finite.
constexpr double intensity_max = 100;
/// How far probabilities that were written in decimals may be from a sum of one.
constexpr double rounding = 1e-6;

Result<> check(std::string_view name, const BasisCounts& basis, std::size_t count) {
  for (std::size_t k = 0; k < count; ++k) {
    if (basis.n[k] > count_max / intensities_max)
      return fail(std::format("{}.n[{}] is {}: more detections than can be counted", name, k, basis.n[k]));
    if (basis.m[k] > basis.n[k])
      return fail(std::format("{}.m[{}] is {}: more errors than the {} detections of {}.n[{}]", name, k, basis.m[k],
                              basis.n[k], name, k));
  }
  return {};
}

Result<> check_epsilon(std::string_view name, double value) {
  if (value > 0 && value < 1) return {};
  return fail(std::format("{} is {}: expected a probability above 0 and below 1", name, value));
}

Result<> check_light(const Observation& seen, std::size_t count) {
  double sum = 0;
  for (std::size_t k = 0; k < count; ++k) {
    const double mu = seen.intensities[k];
    const double probability = seen.probabilities[k];
    if (!(mu >= 0 && mu <= intensity_max))
      return fail(
          std::format("intensities[{}] is {}: expected a mean photon number from 0 to {}", k, mu, intensity_max));
    if (k > 0 && !(mu < seen.intensities[k - 1]))
      return fail(std::format("intensities[{}] is {}: expected the intensities in descending order", k, mu));
    if (!(probability > 0 && probability <= 1))
      return fail(std::format("probabilities[{}] is {}: expected above 0 and at most 1", k, probability));
    sum += probability;
  }
  if (std::abs(sum - 1) > rounding) return fail(std::format("the probabilities add up to {}: expected 1", sum));
  if (count == 2 && seen.intensities[1] <= 0)
    return fail(std::format("intensities[1] is 0: {} needs a decoy with light in it", to_string(seen.bound)));
  if (count == 3 && !(seen.intensities[0] > seen.intensities[1] + seen.intensities[2]))
    return fail("intensities[0] is not above the sum of both decoys, as lim2014 requires");
  return {};
}

}  // namespace

std::string_view to_string(Bound bound) {
  switch (bound) {
    case Bound::lim2014:
      return "lim2014";
    case Bound::rusca2018:
      return "rusca2018";
    case Bound::wiesemann2024:
      return "wiesemann2024";
  }
  return {};
}

std::optional<Bound> bound_named(std::string_view name) {
  for (const auto bound : {Bound::lim2014, Bound::rusca2018, Bound::wiesemann2024}) {
    if (to_string(bound) == name) return bound;
  }
  return std::nullopt;
}

double BasisCounts::error_rate() const {
  return detections() == 0 ? 0 : static_cast<double>(errors()) / static_cast<double>(detections());
}

Result<> check(const Observation& observation) {
  const std::size_t count = intensity_count(observation.bound);
  if (auto light = check_light(observation, count); !light) return light;
  if (auto key = check("key", observation.key, count); !key) return key;
  if (auto test = check("test", observation.test, count); !test) return test;
  if (auto eps = check_epsilon("eps_sec", observation.eps_sec); !eps) return eps;
  if (auto eps = check_epsilon("eps_cor", observation.eps_cor); !eps) return eps;
  if (!(observation.leakage_bits >= 0 && std::isfinite(observation.leakage_bits)))
    return fail(std::format("leakage_bits is {}: expected a number of bits, not negative", observation.leakage_bits));
  return {};
}

}  // namespace cloister::distill
