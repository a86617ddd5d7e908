#pragma once
/// The meters of both simulated devices: what they show of a run of slots, with their noise, and what they are calibrated to.
///
/// The charge of an avalanche, dark currents and the meters' noise are round numbers of the order that such parts have; they are no one
/// device's.

#include <cstdint>

#include "hal/fibre/link_parameters.hpp"
#include "hal/fibre/xoshiro.hpp"
#include "hal/readings.hpp"

namespace cloister::hal::fibre {

class DeviceMeters {
 public:
  DeviceMeters(const LinkParameters& parameters, double clock_hz, std::uint64_t dice_seed)
      : parameters_{parameters}, clock_hz_{clock_hz}, dice_{dice_seed} {}

  /// What somebody does to them from now on.
  void disturb(const Traces& traces) { traces_ = traces; }
  void clicked(std::uint8_t bit, const ArrivalTime& at, bool dimmed);
  /// What they show of the clicks since the last time.
  [[nodiscard]] ReceiverReadings read_receiver(Epoch epoch, Slot first, std::uint64_t slots);
  [[nodiscard]] TransmitterReadings read_transmitter(Epoch epoch, Slot first, std::uint64_t slots);

 private:
  [[nodiscard]] Measured measure(double value, double deviation) {
    return {.value = value + deviation * normal(dice_), .deviation = deviation};
  }

  LinkParameters parameters_;
  double clock_hz_;
  Xoshiro dice_;  // not that of the light: meters change no click
  Traces traces_;
  std::uint64_t clicks_ = 0;
  std::array<Arrivals::Counts, 2> arrivals_{};
  std::uint64_t dimmed_clicks_ = 0;
};

}  // namespace cloister::hal::fibre
