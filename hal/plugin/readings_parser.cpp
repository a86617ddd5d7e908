#include "hal/plugin/readings_parser.hpp"

#include <algorithm>
#include <format>
#include <span>

#include "hal/plugin/frame_parser.hpp"

namespace cloister::hal::plugin {

namespace {

static_assert(arrival_bins == CLOISTER_HAL_ARRIVAL_BINS);

std::unexpected<Error> unknown_meters(std::uint32_t said, std::uint32_t has) {
  return fail(std::format("readings of meters {:#x}, where the device has {:#x}", said, has));
}

}  // namespace

Meters meters_of(std::uint32_t bits) {
  return {.photocurrent = (bits & CLOISTER_HAL_METER_PHOTOCURRENT) != 0,
          .arrivals = (bits & CLOISTER_HAL_METER_ARRIVALS) != 0,
          .dimmed_gates = (bits & CLOISTER_HAL_METER_DIMMED_GATES) != 0,
          .output_power = (bits & CLOISTER_HAL_METER_OUTPUT_POWER) != 0,
          .returned_light = (bits & CLOISTER_HAL_METER_RETURNED_LIGHT) != 0};
}

Result<std::optional<ReceiverReadings>> parse_readings(const cloister_hal_receiver_readings& written,
                                                       const DetectionFrame& frame, std::uint32_t has) {
  if (written.meters == 0) return std::nullopt;
  if ((written.meters & ~has) != 0) return unknown_meters(written.meters, has);
  const auto most = frame.slots;
  if (written.clicks > most || written.dimmed_clicks > most || written.other_clicks > most)
    return fail(std::format("readings of more clicks than their {} slots", most));
  const Meters said = meters_of(written.meters);
  ReceiverReadings readings{.epoch = frame.epoch, .first = frame.first, .slots = most, .clicks = written.clicks};
  if (said.photocurrent)
    readings.photocurrent = {.amperes = {written.photocurrent_amperes, written.photocurrent_deviation},
                             .dark_amperes = written.dark_amperes,
                             .coulombs_per_click = written.coulombs_per_click};
  if (said.dimmed_gates)
    readings.dimmed_gates = {
        .dimmed_clicks = written.dimmed_clicks, .other_clicks = written.other_clicks, .share = written.dimmed_share};
  if (said.arrivals) {
    auto& arrivals = readings.arrivals.emplace();
    for (std::size_t bit = 0; bit < arrivals.clicks.size(); ++bit) {
      std::ranges::copy(written.arrivals[bit], arrivals.clicks[bit].begin());
      std::ranges::copy(written.arrivals_expected[bit], arrivals.expected[bit].begin());
      if (std::ranges::any_of(arrivals.clicks[bit], [&](std::uint32_t count) { return count > most; }))
        return fail(std::format("readings of more arrivals than their {} slots", most));
    }
  }
  return readings;
}

Result<TransmitterReadings> parse_readings(const KeptReadings& written, std::uint32_t has) {
  const auto& said = written.readings;
  if (said.meters == 0 || (said.meters & ~has) != 0) return unknown_meters(said.meters, has);
  if (said.slots == 0 || said.slots > plugin_frame_slots_max || said.first_slot > UINT64_MAX - said.slots)
    return fail(std::format("readings of {} slots from {} on, expected 1 to 2^32", said.slots, said.first_slot));
  const Meters meters = meters_of(said.meters);
  TransmitterReadings readings{.epoch = written.epoch, .first = said.first_slot, .slots = said.slots};
  if (meters.output_power) readings.output_power = {.value = said.output_power, .deviation = said.output_deviation};
  if (meters.returned_light)
    readings.returned_light = {.watts = {said.returned_watts, said.returned_deviation},
                               .watts_max = said.returned_watts_max};
  return readings;
}

}  // namespace cloister::hal::plugin
