#include "hal/simulator/source_settings.hpp"

#include <cmath>
#include <format>
#include <string_view>

namespace cloister::hal::simulator {

namespace {

constexpr double clock_hz_min = 1e3;
constexpr double clock_hz_max = 1e10;
constexpr double intensity_max = 10;
constexpr double sum_tolerance = 1e-9;

// Comparisons are written so that NaN fails them.
bool inside(double value, double low, double high) { return value > low && value < high; }

}  // namespace

Result<> check(const SourceSettings& settings) {
  if (!(settings.clock_hz >= clock_hz_min && settings.clock_hz <= clock_hz_max))
    return fail(std::format("clock_hz {} is outside 1e3 … 1e10", settings.clock_hz));
  if (!inside(settings.z_probability, 0, 1))
    return fail(std::format("z_probability {} is not between 0 and 1", settings.z_probability));
  const auto [signal, decoy] = settings.intensities;
  if (!(decoy >= 0 && signal > decoy && signal <= intensity_max))
    return fail(std::format("intensities {} and {}: expected 10 ≥ signal > decoy ≥ 0", signal, decoy));
  const auto [often, rarely] = settings.probabilities;
  if (!inside(often, 0, 1) || !inside(rarely, 0, 1) || !(std::abs(often + rarely - 1) <= sum_tolerance))
    return fail(std::format("intensity probabilities {} and {} do not add up to 1", often, rarely));
  return {};
}

Result<> check_agreement(const SourceSettings& transmitter, const SourceSettings& receiver) {
  struct Pair {
    std::string_view name;
    double ours;
    double theirs;
  };
  const auto pairs = std::to_array<Pair>({
      {"clock_hz", transmitter.clock_hz, receiver.clock_hz},
      {"z_probability", transmitter.z_probability, receiver.z_probability},
      {"the signal intensity", transmitter.intensities[0], receiver.intensities[0]},
      {"the decoy intensity", transmitter.intensities[1], receiver.intensities[1]},
      {"the signal probability", transmitter.probabilities[0], receiver.probabilities[0]},
      {"the decoy probability", transmitter.probabilities[1], receiver.probabilities[1]},
  });
  for (const auto& [name, ours, theirs] : pairs)
    if (std::abs(ours - theirs) > 0)
      return fail(
          std::format("the ends of the fibre disagree about {}: transmitter {}, receiver {}; "
                      "make the two configurations equal",
                      name, ours, theirs));
  return {};
}

Capabilities capabilities_of(const SourceSettings& settings) {
  return {.clock_hz = settings.clock_hz,
          .protocol = "bb84-decoy-1",
          .intensities = {settings.intensities.begin(), settings.intensities.end()},
          .intensity_probabilities = {settings.probabilities.begin(), settings.probabilities.end()},
          .z_probability = settings.z_probability};
}

}  // namespace cloister::hal::simulator
