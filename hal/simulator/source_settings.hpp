#pragma once
/// How the simulated source and receiver are set: both ends of a fibre must agree on every number.

#include <array>
#include <string>

#include "crypto/error.hpp"
#include "hal/device.hpp"

namespace cloister::hal::simulator {

struct SourceSettings {
  double clock_hz = 0;
  double z_probability = 0;               ///< Of each end, independently.
  std::array<double, 3> intensities{};    ///< Mean photon numbers per pulse: signal, decoy, second decoy.
  std::array<double, 3> probabilities{};  ///< How often each is sent; 0 for the last: there is no second decoy.

  [[nodiscard]] std::size_t intensity_count() const { return probabilities[2] > 0 ? 3 : 2; }
};

/// Refuses what cannot be simulated: a clock outside 1 kHz … 10 GHz, probabilities outside (0, 1) or not adding up to
/// one, intensities that are not 10 ≥ signal > decoy ≥ 0, a second decoy that is not below the first. NaN and infinities
/// are refused as well.
[[nodiscard]] Result<> check(const SourceSettings& settings);

/// What a device that is set so says of itself.
[[nodiscard]] Capabilities capabilities_of(const SourceSettings& settings);

/// What the simulated devices watch themselves with.
inline constexpr Meters simulated_meters{
    .photocurrent = true, .arrivals = true, .dimmed_gates = true, .output_power = true, .returned_light = true};

/// Names the first setting in which two ends differ, with both values; an error for both of them.
[[nodiscard]] Result<> check_agreement(const SourceSettings& transmitter, const SourceSettings& receiver);

}  // namespace cloister::hal::simulator
