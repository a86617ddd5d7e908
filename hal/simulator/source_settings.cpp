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
  const auto [signal, decoy, second_decoy] = settings.intensities;
  if (!(decoy >= 0 && signal > decoy && signal <= intensity_max))
    return fail(std::format("intensities {} and {}: expected 10 ≥ signal > decoy ≥ 0", signal, decoy));
  const auto [often, rarely, second] = settings.probabilities;
  if (!inside(often, 0, 1) || !inside(rarely, 0, 1) || !(second >= 0) ||
      !(std::abs(often + rarely + second - 1) <= sum_tolerance))
    return fail(std::format("intensity probabilities {}, {} and {} do not add up to 1", often, rarely, second));
  if (second > 0 ? !(second_decoy >= 0 && second_decoy < decoy) : second_decoy < 0 || second_decoy > 0)
    return fail(std::format("second decoy intensity {}, sent with probability {}: expected below {}, or both 0",
                            second_decoy, second, decoy));
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
      {"the second decoy intensity", transmitter.intensities[2], receiver.intensities[2]},
      {"the signal probability", transmitter.probabilities[0], receiver.probabilities[0]},
      {"the decoy probability", transmitter.probabilities[1], receiver.probabilities[1]},
      {"the second decoy probability", transmitter.probabilities[2], receiver.probabilities[2]},
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
  const auto count = static_cast<std::ptrdiff_t>(settings.intensity_count());
  return {.clock_hz = settings.clock_hz,
          .protocol = count == 3 ? "bb84-decoy-2" : "bb84-decoy-1",
          .intensities = {settings.intensities.begin(), settings.intensities.begin() + count},
          .intensity_probabilities = {settings.probabilities.begin(), settings.probabilities.begin() + count},
          .z_probability = settings.z_probability};
}

}  // namespace cloister::hal::simulator
