#pragma once
/// What the simulated glass, the receiver's detectors and the devices' meters are like, and what can be switched while light flows.

#include <cstdint>
#include <optional>

#include "crypto/error.hpp"
#include "hal/fibre/eavesdropper.hpp"

namespace cloister::hal::fibre {

struct LinkParameters {
  double length_km = 25;
  double attenuation_db_per_km = 0.2;
  double insertion_loss_db = 0;          ///< Connectors, splices and filters.
  double efficiency = 0.1;               ///< Of the receiver: optics and detectors.
  double efficiency_ratio = 1;           ///< Of the detectors of bit 1 to those of bit 0, which have `efficiency`.
  double dark_count_probability = 1e-7;  ///< Per detector and slot.
  double misalignment = 0.01;            ///< Part of the light that reaches the wrong detector.
  double dead_time_seconds = 0;
  double after_pulse_probability = 0;          ///< That a click leaves a carrier behind.
  double after_pulse_lifetime_seconds = 1e-6;  ///< Mean time until it is set free.
  Gate gate{};
  double dimmed_gates = 0;        ///< Share of the gates in which the receiver halves its efficiency.
  double extinction_db = 0;       ///< Of the intensity modulator; 0: without end.
  double pattern_effect = 0;      ///< What a pulse keeps of the intensity before it.
  double drift_radians = 0;       ///< Standard deviation of the polarisation's angle; 0: none.
  double drift_time_seconds = 1;  ///< In which it forgets where it was.
  double isolation_db = 100;      ///< Of the transmitter, for light that goes in and comes back.
};
/// Refuses what is no fibre: negative or infinite lengths, probabilities outside [0, 1), a misalignment above one half.
[[nodiscard]] Result<> check(const LinkParameters& parameters);

/// Fewer slots than the transmitter is ahead at any clock: what is measured was sent.
inline constexpr std::uint64_t sync_shift_max = 100;

/// What can be switched while light flows.
struct Disturbance {
  std::optional<Attack> eve;
  bool cut = false;              ///< No light arrives, Eve's neither; detectors still count in the dark.
  double noise = 0;              ///< Counts of stray light, per detector and slot, beside the dark counts.
  std::uint64_t sync_shift = 0;  ///< Slots by which the receiver's count is behind: somebody delays the clock's pulses.
  bool replay = false;           ///< The receiver's device reports the clicks of its last frame again and again.
  bool silence = false;          ///< The devices' meters say nothing any more.
  double weak_randomness = 0;    ///< Of the transmitter's bits, the part that is 0 whatever it should be.
};
/// Refuses fractions and probabilities that are none.
[[nodiscard]] Result<> check(const Disturbance& disturbance);

}  // namespace cloister::hal::fibre
