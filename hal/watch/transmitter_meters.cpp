#include "hal/watch/transmitter_meters.hpp"

#include <algorithm>
#include <cmath>
#include <format>

namespace cloister::hal::watch {

namespace {

/// Hard outer limits: of a laser that ages and warms up, and of light that no honest fibre reflects.
constexpr double output_off_max = 0.04;
constexpr double returned_watts_max = 1e-3;
constexpr double output_deviation_max = 0.005;
constexpr double returned_deviation_max = 1e-6;

// Both are written so that what is no number is wrong.
bool is_right(const Measured& output) {
  return output.deviation >= 0 && output.deviation <= output_deviation_max &&
         std::abs(output.value - 1) <= output_off_max + deviations() * output.deviation;
}
bool is_right(const ReturnedLight& light) {
  return light.watts.deviation >= 0 && light.watts.deviation <= returned_deviation_max && light.watts_max >= 0 &&
         light.watts.value <= std::min(light.watts_max, returned_watts_max) + deviations() * light.watts.deviation;
}

}  // namespace

TransmitterMeters::TransmitterMeters(const Capabilities& transmitter)
    : meters_{transmitter.meters},
      clock_hz_{transmitter.clock_hz},
      quiet_{static_cast<std::uint64_t>(quiet_seconds * transmitter.clock_hz)} {}

std::optional<Finding> TransmitterMeters::on_light(std::uint64_t slots,
                                                   const std::optional<TransmitterReadings>& readings) {
  return quiet_.after(slots, look(slots, readings));
}

std::optional<Finding> TransmitterMeters::look(std::uint64_t slots,
                                               const std::optional<TransmitterReadings>& readings) {
  const auto is_silent = [&](bool has, bool says, std::uint64_t& silent) {
    silent = says ? 0 : silent + slots;
    return has && static_cast<double>(silent) > silent_seconds_max * clock_hz_;
  };
  if (is_silent(meters_.output_power, readings && readings->output_power, silent_output_slots_))
    return Finding{.clean = false,
                   .text =
                       "the meter of the transmitter's output says nothing: nobody can tell how bright its pulses "
                       "are"};
  if (is_silent(meters_.returned_light, readings && readings->returned_light, silent_returned_slots_))
    return Finding{.clean = false,
                   .text = "the meter of light into the transmitter says nothing: nobody can tell who shines into it"};
  if (!readings) return std::nullopt;
  if (readings->output_power && !is_right(*readings->output_power))
    return Finding{.clean = false,
                   .text = std::format("the transmitter's output is {:.2f} times what it is calibrated to: its pulses "
                                       "have other photon numbers than the bounds count with",
                                       readings->output_power->value)};
  if (readings->returned_light && !is_right(*readings->returned_light))
    return Finding{.clean = false,
                   .text = std::format("{:.2g} W of light come out of the fibre into the transmitter, where {:.2g} W "
                                       "may: somebody reads its settings",
                                       readings->returned_light->watts.value, readings->returned_light->watts_max)};
  return std::nullopt;
}

}  // namespace cloister::hal::watch
