#include <catch2/catch_test_macros.hpp>
#include <cstdint>

#include "hal/watch/replay_watch.hpp"

namespace {

using namespace cloister::hal;

const Capabilities receiver{.clock_hz = 1e9,
                            .protocol = "bb84-decoy-1",
                            .intensities = {0.5, 0.15},
                            .intensity_probabilities = {0.6, 0.4},
                            .z_probability = 0.7,
                            .meters = {}};

/// So many clicks, at places that depend on `pattern`.
DetectionFrame frame_of(std::uint64_t first, std::uint64_t pattern, std::size_t clicks) {
  DetectionFrame frame{.epoch = 1, .first = first, .slots = 10'000'000, .detections = {}};
  frame.detections.resize(clicks);
  for (std::size_t i = 0; i < clicks; ++i)
    frame.detections[i] = {first + i * 1000 + pattern * i % 997, Basis::z, 0, false};
  return frame;
}

}  // namespace

TEST_CASE("a frame of clicks that was reported before is found, and trusted a second later", "[watch]") {
  watch::ReplayWatch watch{receiver};
  std::uint64_t first = 0;
  const auto look = [&](std::uint64_t pattern, std::size_t clicks) {
    return watch.on_frame(frame_of(first += 10'000'000, pattern, clicks));
  };
  for (std::uint64_t pattern = 1; pattern <= 400; ++pattern) CHECK_FALSE(look(pattern, 100));
  const auto found = look(7, 100);
  REQUIRE(found);
  CHECK_FALSE(found->clean);
  CHECK(found->text.contains("reported before"));
  for (std::uint64_t pattern = 401; pattern < 500; ++pattern) CHECK_FALSE(look(pattern, 100));
  const auto again = look(500, 100);
  REQUIRE(again);
  CHECK(again->clean);
}

TEST_CASE("few clicks may be alike by chance", "[watch]") {
  watch::ReplayWatch watch{receiver};
  for (int i = 0; i < 10; ++i) CHECK_FALSE(watch.on_frame(frame_of(0, 1, 63)));
}
