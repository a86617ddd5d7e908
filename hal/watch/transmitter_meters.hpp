#pragma once
/// Watches over a transmitter by what its own meters show: nothing of these attacks reaches the receiver as an error.
///
///   output power     at a tap before the fibre, over what it is calibrated to: farther from 1 than 0.04 and k deviations of the meter.
///                    A brighter pulse has more photons than the decoys' bound counts (laser seeding, laser damage).
///   returned light   out of the fibre into the transmitter: more than calibrated (what leaves again would tell the settings),
///                    and k deviations of the meter. Trojan horse.
///   silence          a meter that the device has, and that says nothing for a tenth of a second, or with a noise beyond any meter's.
///
/// k is `deviations()`; every reading is judged. What was wrong is right again after a second in which nothing was. An engine: its clock is
/// the slots.

#include <cstdint>
#include <optional>

#include "hal/device.hpp"
#include "hal/watch/finding.hpp"
#include "hal/watch/quiet_again.hpp"

namespace cloister::hal::watch {

class TransmitterMeters {
 public:
  explicit TransmitterMeters(const Capabilities& transmitter);
  /// `slots`: sent since the last call. `readings`: new ones, if there are any.
  [[nodiscard]] std::optional<Finding> on_light(std::uint64_t slots,
                                                const std::optional<TransmitterReadings>& readings);
  /// Whether every meter that the device has says something.
  [[nodiscard]] bool covers(const std::optional<TransmitterReadings>& readings) const {
    return (!meters_.output_power || (readings && readings->output_power)) &&
           (!meters_.returned_light || (readings && readings->returned_light));
  }
  [[nodiscard]] bool has_any() const { return meters_.output_power || meters_.returned_light; }

 private:
  [[nodiscard]] std::optional<Finding> look(std::uint64_t slots, const std::optional<TransmitterReadings>& readings);

  Meters meters_;
  double clock_hz_;
  QuietAgain quiet_;
  std::uint64_t silent_output_slots_ = 0;
  std::uint64_t silent_returned_slots_ = 0;
};

}  // namespace cloister::hal::watch
