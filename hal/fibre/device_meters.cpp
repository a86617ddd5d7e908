#include "hal/fibre/device_meters.hpp"

#include <cmath>
#include <utility>

namespace cloister::hal::fibre {

namespace {

constexpr double dark_amperes = 5e-8;
constexpr double current_deviation = 1e-8;
constexpr double coulombs_per_click = 1e-13;
constexpr double power_deviation = 2e-3;
/// Of light of 1550 nm.
constexpr double joules_per_photon = 1.2816e-19;
constexpr double returned_watts_deviation = 1e-9;
/// That may come back out of the transmitter in a slot: some 1e-5 bits of each pulse, by Holevo's bound.
constexpr double photons_out_max = 1e-6;

}  // namespace

void DeviceMeters::clicked(std::uint8_t bit, const ArrivalTime& at, bool dimmed) {
  ++clicks_;
  dimmed_clicks_ += dimmed ? 1 : 0;
  ++arrivals_[bit][parameters_.gate.bin_of(at.draw(dice_))];
}

ReceiverReadings DeviceMeters::read_receiver(Epoch epoch, Slot first, std::uint64_t slots) {
  const auto clicks = std::exchange(clicks_, 0);
  const double seconds = static_cast<double>(slots) / clock_hz_;
  const double current =
      dark_amperes + coulombs_per_click * static_cast<double>(clicks) / seconds + traces_.detector_amperes;
  Arrivals arrivals{.clicks = std::exchange(arrivals_, {}), .expected = {}};
  for (const std::uint8_t bit : bit_values)
    arrivals.expected[bit] = parameters_.gate.shares(parameters_.gate.seen_at(bit, 0));
  const auto dimmed = std::exchange(dimmed_clicks_, 0);
  return {.epoch = epoch,
          .first = first,
          .slots = slots,
          .clicks = clicks,
          .photocurrent = Photocurrent{.amperes = measure(current, current_deviation),
                                       .dark_amperes = dark_amperes,
                                       .coulombs_per_click = coulombs_per_click},
          .arrivals = arrivals,
          .dimmed_gates =
              DimmedGates{.dimmed_clicks = dimmed, .other_clicks = clicks - dimmed, .share = parameters_.dimmed_gates}};
}

TransmitterReadings DeviceMeters::read_transmitter(Epoch epoch, Slot first, std::uint64_t slots) {
  const double watts_a_photon = joules_per_photon * clock_hz_;
  return {.epoch = epoch,
          .first = first,
          .slots = slots,
          .output_power = measure(traces_.output_gain, power_deviation),
          .returned_light = ReturnedLight{
              .watts = measure(watts_a_photon * traces_.photons_into_transmitter, returned_watts_deviation),
              .watts_max = photons_out_max * std::pow(10, parameters_.isolation_db / 10) * watts_a_photon}};
}

}  // namespace cloister::hal::fibre
