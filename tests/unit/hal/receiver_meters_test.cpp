// The watch over a receiver's meters, by readings made for it: what an untouched device shows and what not.
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>
#include <optional>

#include "hal/watch/receiver_meters.hpp"

namespace {

using namespace cloister::hal;
using watch::Finding;
using watch::ReceiverMeters;

const Capabilities receiver{
    .clock_hz = 1e9,
    .protocol = "bb84-decoy-1",
    .intensities = {0.5, 0.15},
    .intensity_probabilities = {0.6, 0.4},
    .z_probability = 0.7,
    .meters = {
        .photocurrent = true, .arrivals = true, .dimmed_gates = true, .output_power = false, .returned_light = false}};

/// 10 ms with 10,000 clicks, half in each detector, in four bins around the middle.
ReceiverReadings honest() {
  ReceiverReadings readings{.epoch = 1, .first = 0, .slots = 10'000'000, .clicks = 10'000};
  readings.photocurrent = {
      .amperes = {.value = 1.5e-7, .deviation = 1e-8}, .dark_amperes = 5e-8, .coulombs_per_click = 1e-13};
  Arrivals arrivals;
  for (const std::size_t bit : {0U, 1U})
    for (std::size_t bin = 6; bin < 10; ++bin) {
      arrivals.clicks[bit][bin] = 1250;
      arrivals.expected[bit][bin] = 0.25;
    }
  readings.arrivals = arrivals;
  readings.dimmed_gates = {.dimmed_clicks = 50, .other_clicks = 9950, .share = 0.01};
  return readings;
}

/// The first thing found, in at most so many frames, or a word that all is well.
std::optional<Finding> watch_frames(ReceiverMeters& watch, int frames,
                                    const std::optional<ReceiverReadings>& readings) {
  const DetectionFrame frame{.epoch = 1, .first = 0, .slots = 10'000'000, .detections = {}};
  for (int i = 0; i < frames; ++i)
    if (auto found = watch.on_frame(frame, readings)) return found;
  return std::nullopt;
}

void check_found(const std::optional<Finding>& found, const char* word) {
  INFO(word);
  REQUIRE(found);
  CHECK_FALSE(found->clean);
  CHECK(found->text.contains(word));
}

}  // namespace

TEST_CASE("meters of an untouched receiver are no alarm", "[watch]") {
  ReceiverMeters watch{receiver};
  CHECK_FALSE(watch_frames(watch, 1000, honest()));
}

TEST_CASE("a current that the clicks do not make is found with the first reading", "[watch]") {
  ReceiverMeters watch{receiver};
  auto readings = honest();
  // 1e6 clicks a second make 1e-7 A beside 5e-8 A in the dark; twice that, and 6.9 deviations of 1e-8 A.
  readings.photocurrent->amperes.value = 3.6e-7;
  CHECK_FALSE(watch_frames(watch, 1, readings));
  readings.photocurrent->amperes.value = 3.8e-7;
  check_found(watch_frames(watch, 1, readings), "blinded");
  readings.photocurrent->amperes.value = std::numeric_limits<double>::quiet_NaN();
  check_found(watch_frames(watch, 1, readings), "blinded");
}

TEST_CASE("clicks at other times than calibrated are found once a window has 20,000 of a detector", "[watch]") {
  ReceiverMeters watch{receiver};
  auto readings = honest();
  for (const std::size_t bit : {0U, 1U}) {  // a fifth comes elsewhere: a distance of 0.2
    for (std::size_t bin = 6; bin < 10; ++bin) readings.arrivals->clicks[bit][bin] = 1000;
    readings.arrivals->clicks[bit][15] = 1000;
  }
  CHECK_FALSE(watch_frames(watch, 3, readings));
  check_found(watch_frames(watch, 1, readings), "other times");

  ReceiverMeters second{receiver};
  for (const std::size_t bit : {0U, 1U}) {  // a tenth: what is allowed for
    for (std::size_t bin = 6; bin < 10; ++bin) readings.arrivals->clicks[bit][bin] = 1125;
    readings.arrivals->clicks[bit][15] = 500;
  }
  CHECK_FALSE(watch_frames(second, 100, readings));
  readings.arrivals->expected[0][0] = 0.5;
  check_found(watch_frames(second, 1, readings), "calibration");
}

TEST_CASE("dimmed gates that click as often as others, or never, are found", "[watch]") {
  for (const std::uint64_t dimmed : {100U, 0U}) {
    ReceiverMeters watch{receiver};
    auto readings = honest();
    readings.dimmed_gates->dimmed_clicks = dimmed;
    readings.dimmed_gates->other_clicks = 10'000 - dimmed;
    CHECK_FALSE(watch_frames(watch, 39, readings));
    check_found(watch_frames(watch, 1, readings), "dimmed");
  }
}

TEST_CASE("a meter that is silent for more than a tenth of a second is an alarm, one that is not there is none",
          "[watch]") {
  struct Case {
    const char* name;
    void (*silence)(ReceiverReadings&);
  };
  for (const auto& [name, silence] : {Case{"photocurrent", [](ReceiverReadings& all) { all.photocurrent.reset(); }},
                                      Case{"arrival", [](ReceiverReadings& all) { all.arrivals.reset(); }},
                                      Case{"dimmed", [](ReceiverReadings& all) { all.dimmed_gates.reset(); }}}) {
    ReceiverMeters watch{receiver};
    auto readings = honest();
    silence(readings);
    CHECK_FALSE(watch_frames(watch, 10, readings));
    check_found(watch_frames(watch, 1, readings), name);
  }
  ReceiverMeters all{receiver};
  CHECK_FALSE(watch_frames(all, 10, std::nullopt));
  check_found(watch_frames(all, 1, std::nullopt), "says nothing");
  auto without = receiver;
  without.meters = {};
  ReceiverMeters none{without};
  CHECK_FALSE(watch_frames(none, 1000, std::nullopt));
}

TEST_CASE("meters that speak of other slots or other clicks, dim no gate or are noisier than any, are as good as none",
          "[watch]") {
  struct Case {
    const char* word;
    void (*change)(ReceiverReadings&);
  };
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (const auto& [word, change] :
       {Case{"other slots", [](ReceiverReadings& all) { all.first = 1; }},
        Case{"other slots", [](ReceiverReadings& all) { all.epoch = 2; }},
        Case{"clicks where", [](ReceiverReadings& all) { all.arrivals->clicks = {}; }},
        Case{"clicks where", [](ReceiverReadings& all) { all.dimmed_gates->other_clicks = 0; }},
        Case{"clicks where", [](ReceiverReadings& all) { all.clicks = 0; }},
        Case{"dims none", [](ReceiverReadings& all) { all.dimmed_gates->share = 0; }},
        Case{"dims none", [](ReceiverReadings& all) { all.dimmed_gates->share = std::nan(""); }},
        Case{"photocurrent meter is none",
             [](ReceiverReadings& all) { all.photocurrent->amperes.deviation = infinity; }},
        Case{"photocurrent meter is none", [](ReceiverReadings& all) { all.photocurrent->dark_amperes = 1; }},
        Case{"photocurrent meter is none",
             [](ReceiverReadings& all) { all.photocurrent->coulombs_per_click = infinity; }}}) {
    ReceiverMeters watch{receiver};
    auto readings = honest();
    change(readings);
    check_found(watch_frames(watch, 1, readings), word);
  }
}

TEST_CASE("what was wrong is right again after a second without it", "[watch]") {
  ReceiverMeters watch{receiver};
  auto readings = honest();
  readings.photocurrent->amperes.value = 1e-3;
  REQUIRE(watch_frames(watch, 1, readings));
  CHECK_FALSE(watch_frames(watch, 99, honest()));
  const auto again = watch_frames(watch, 1, honest());
  REQUIRE(again);
  CHECK(again->clean);
  CHECK_FALSE(watch_frames(watch, 1000, honest()));
}
