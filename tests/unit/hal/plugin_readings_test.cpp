// What a vendor's process writes of its meters becomes readings, or an error; under no process.

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "hal/plugin/readings_parser.hpp"

namespace cloister::hal::plugin {
namespace {

DetectionFrame frame() { return {.epoch = 7, .first = 1000, .slots = 500, .detections = {}}; }

cloister_hal_receiver_readings all_of_receiver() {
  cloister_hal_receiver_readings written{};
  written.meters = receiver_meters;
  written.clicks = 10;
  written.photocurrent_amperes = 1e-6;
  written.photocurrent_deviation = 1e-8;
  written.dark_amperes = 5e-8;
  written.coulombs_per_click = 1e-13;
  written.dimmed_clicks = 1;
  written.other_clicks = 9;
  written.dimmed_share = 0.01;
  written.arrivals[0][3] = 4;
  written.arrivals[1][63] = 6;
  written.arrivals_expected[1][63] = 1;
  return written;
}

TEST_CASE("A receiver's readings are those of its frame, each meter's at its place", "[hal][plugin]") {
  const auto read = parse_readings(all_of_receiver(), frame(), receiver_meters);
  REQUIRE((read && *read));
  const auto& readings = **read;
  CHECK((readings.epoch == 7 && readings.first == 1000 && readings.slots == 500 && readings.clicks == 10));
  REQUIRE((readings.photocurrent && readings.arrivals && readings.dimmed_gates));
  CHECK((readings.photocurrent->amperes.value == 1e-6 && readings.photocurrent->amperes.deviation == 1e-8));
  CHECK((readings.photocurrent->dark_amperes == 5e-8 && readings.photocurrent->coulombs_per_click == 1e-13));
  CHECK((readings.dimmed_gates->dimmed_clicks == 1 && readings.dimmed_gates->other_clicks == 9));
  CHECK(readings.dimmed_gates->share == 0.01);
  CHECK((readings.arrivals->clicks[0][3] == 4 && readings.arrivals->clicks[1][63] == 6));
  CHECK(readings.arrivals->expected[1][63] == 1);
}

TEST_CASE("A meter speaks only where it says so, and none where none does", "[hal][plugin]") {
  auto written = all_of_receiver();
  written.meters = CLOISTER_HAL_METER_ARRIVALS;
  const auto read = parse_readings(written, frame(), receiver_meters);
  REQUIRE((read && *read));
  CHECK(((*read)->arrivals && !(*read)->photocurrent && !(*read)->dimmed_gates));
  written.meters = 0;
  const auto nothing = parse_readings(written, frame(), receiver_meters);
  REQUIRE(nothing);
  CHECK_FALSE(*nothing);
}

TEST_CASE("A receiver's readings that are none are refused", "[hal][plugin]") {
  const auto refused = [](auto change, std::uint32_t has = receiver_meters) {
    auto written = all_of_receiver();
    change(written);
    const auto read = parse_readings(written, frame(), has);
    return read ? std::string{} : read.error().message;
  };
  CHECK(refused([](auto& written) { written.clicks = 501; }).contains("more clicks"));
  CHECK(refused([](auto& written) { written.dimmed_clicks = UINT64_MAX; }).contains("more clicks"));
  CHECK(refused([](auto& written) { written.other_clicks = 501; }).contains("more clicks"));
  CHECK(refused([](auto& written) { written.arrivals[1][0] = 501; }).contains("more arrivals"));
  CHECK(refused([](auto& written) { written.meters |= CLOISTER_HAL_METER_OUTPUT_POWER; }).contains("0xf"));
  CHECK(refused([](auto&) {}, CLOISTER_HAL_METER_ARRIVALS).contains("where the device has 0x2"));
  // What is no number the watch finds wrong.
  CHECK(
      refused([](auto& written) { written.photocurrent_amperes = std::numeric_limits<double>::quiet_NaN(); }).empty());
}

TEST_CASE("A transmitter's readings are of the slots and the epoch that they name, or none", "[hal][plugin]") {
  KeptReadings written{.epoch = 9, .readings = {}};
  written.readings.meters = transmitter_meters;
  written.readings.first_slot = 20;
  written.readings.slots = 30;
  written.readings.output_power = 1.01;
  written.readings.output_deviation = 0.002;
  written.readings.returned_watts = 1e-9;
  written.readings.returned_deviation = 2e-9;
  written.readings.returned_watts_max = 1e-6;
  const auto read = parse_readings(written, transmitter_meters);
  REQUIRE(read);
  CHECK((read->epoch == 9 && read->first == 20 && read->slots == 30));
  REQUIRE((read->output_power && read->returned_light));
  CHECK((read->output_power->value == 1.01 && read->output_power->deviation == 0.002));
  CHECK((read->returned_light->watts.value == 1e-9 && read->returned_light->watts.deviation == 2e-9));
  CHECK(read->returned_light->watts_max == 1e-6);

  written.readings.meters = CLOISTER_HAL_METER_OUTPUT_POWER;
  CHECK_FALSE(parse_readings(written, transmitter_meters)->returned_light);
  CHECK_FALSE(parse_readings(written, CLOISTER_HAL_METER_RETURNED_LIGHT));
  written.readings.slots = 0;
  CHECK_FALSE(parse_readings(written, transmitter_meters));
  written.readings.slots = 1;
  written.readings.first_slot = UINT64_MAX;
  CHECK_FALSE(parse_readings(written, transmitter_meters));
  written.readings = {};
  CHECK_FALSE(parse_readings(written, transmitter_meters));
}

}  // namespace
}  // namespace cloister::hal::plugin
