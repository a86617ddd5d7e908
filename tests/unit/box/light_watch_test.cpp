// The watch over the light: a cut is seen within seconds, and what is no cut is not.
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <cstdint>

#include "appliance/box/light_watch.hpp"

namespace cloister::box {
namespace {
using namespace std::chrono_literals;
using Change = LightWatch::Change;

struct Line {
  LightWatch watch;
  LightWatch::Instant now{};
  std::uint64_t detections = 0;

  /// Four samples a second for so long; how often the light was lost and found.
  std::pair<int, int> run(double per_second, std::chrono::milliseconds duration) {
    int lost = 0;
    int found = 0;
    for (auto passed = 0ms; passed < duration; passed += 250ms) {
      now += 250ms;
      detections += static_cast<std::uint64_t>(per_second / 4);
      const auto change = watch.sample(detections, now);
      lost += change == Change::lost ? 1 : 0;
      found += change == Change::found ? 1 : 0;
    }
    return {lost, found};
  }
};

TEST_CASE("A cut fibre is noticed within four seconds, once, and its mending too", "[box]") {
  Line line;
  CHECK(line.run(180'000, 20s) == std::pair{0, 0});
  CHECK(line.run(200, 4s) == std::pair{1, 0});
  CHECK(line.watch.dark());
  CHECK(line.run(200, 600s) == std::pair{0, 0});
  CHECK(line.run(180'000, 4s) == std::pair{0, 1});
  CHECK_FALSE(line.watch.dark());
}

TEST_CASE("A rate that drifts, halves or has a gap of a second is no cut", "[box]") {
  Line line;
  CHECK(line.run(180'000, 10s) == std::pair{0, 0});
  CHECK(line.run(90'000, 30s) == std::pair{0, 0});
  CHECK(line.run(0, 1s) == std::pair{0, 0});
  for (double rate = 90'000; rate > 1000; rate *= 0.8) CHECK(line.run(rate, 60s) == std::pair{0, 0});
}

TEST_CASE("A pause of the session or a restarted count is no cut; a dark one stays dark through a pause", "[box]") {
  Line line;
  CHECK(line.run(180'000, 10s) == std::pair{0, 0});
  line.watch.rest();
  line.now += 60s;
  CHECK(line.run(180'000, 10s) == std::pair{0, 0});
  line.detections = 0;
  CHECK(line.run(180'000, 10s) == std::pair{0, 0});
  CHECK(line.run(0, 5s) == std::pair{1, 0});
  line.watch.rest();
  CHECK(line.watch.dark());
  CHECK(line.run(180'000, 5s) == std::pair{0, 1});
}

TEST_CASE("A link that never had light loses none", "[box]") {
  Line line;
  CHECK(line.run(0, 60s) == std::pair{0, 0});
}

TEST_CASE("The light's limit and the time before its alarm are the configuration's", "[box]") {
  Line half{.watch = LightWatch{0.5}};
  half.run(180'000, 20s);
  CHECK(half.run(80'000, 8s) == std::pair{1, 0});
  CHECK(half.run(180'000, 8s) == std::pair{0, 1});

  Line patient{.watch = LightWatch{0.1, 30s}};
  patient.run(180'000, 20s);
  CHECK(patient.run(200, 20s) == std::pair{0, 0});
  CHECK(patient.run(180'000, 8s) == std::pair{0, 0});
  CHECK(patient.run(200, 30s) == std::pair{0, 0});
  CHECK(patient.run(200, 5s) == std::pair{1, 0});
  CHECK(patient.run(180'000, 4s) == std::pair{0, 1});
}

}  // namespace
}  // namespace cloister::box
