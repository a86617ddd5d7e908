// The watch by itself: what it takes for honest and what not, on clicks made for it.
#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <optional>

#include "hal/watch/click_watch.hpp"

namespace {

using namespace cloister::hal;
using watch::ClickWatch;
using watch::Finding;

const Capabilities receiver{.clock_hz = 1e9,
                            .protocol = "bb84-decoy-1",
                            .intensities = {0.5, 0.15},
                            .intensity_probabilities = {0.6, 0.4},
                            .z_probability = 0.7};

/// Frames of 10,000 clicks in 1e7 slots, of which so many per frame are double and so many are ones.
std::optional<Finding> watch_frames(ClickWatch& watch, int frames, std::size_t doubles, std::size_t ones,
                                    Epoch epoch = 1) {
  std::optional<Finding> last;
  for (int i = 0; i < frames; ++i) {
    DetectionFrame frame{.epoch = epoch, .first = 0, .slots = 10'000'000, .detections = {}};
    frame.detections.resize(10'000);
    for (std::size_t k = 0; k < frame.detections.size(); ++k)
      frame.detections[k] = {k * 1000, Basis::z, static_cast<std::uint8_t>(k < ones), k < doubles};
    if (auto finding = watch.on_frame(frame)) last = finding;
  }
  return last;
}

}  // namespace

// λ = 0.001 / 0.36 μ; least double clicks of 10,000: 0.81 × 0.42 × 1e7 Σ p (λ / 2)^2 = 1.04, so 29 frames make a window.

TEST_CASE("a window ends when its double clicks say something, and is clean with as many as light makes", "[watch]") {
  ClickWatch watch{receiver};
  CHECK_FALSE(watch_frames(watch, 28, 1, 5000));
  const auto finding = watch_frames(watch, 2, 1, 5000);
  REQUIRE(finding);
  CHECK(finding->clean);
}

TEST_CASE("no double clicks are blinded detectors, a hundred times too many are bright pulses", "[watch]") {
  ClickWatch watch{receiver};
  auto finding = watch_frames(watch, 30, 0, 5000);
  REQUIRE(finding);
  CHECK_FALSE(finding->clean);
  CHECK(finding->text.contains("blinded"));
  finding = watch_frames(watch, 30, 100, 5000);
  REQUIRE(finding);
  CHECK_FALSE(finding->clean);
  CHECK(finding->text.contains("brighter"));
  finding = watch_frames(watch, 30, 1, 5000);
  REQUIRE(finding);
  CHECK(finding->clean);
}

TEST_CASE("detectors that are blind most of the time are found by the long window, and not trusted by a short one",
          "[watch]") {
  ClickWatch watch{receiver};
  std::optional<Finding> finding;
  int windows = 0;
  for (int i = 0; i < 400 && (!finding || finding->clean); ++i) {
    finding = watch_frames(watch, 1, i % 3 == 0 ? 1 : 0, 5000);  // a third of the double clicks
    windows += finding.has_value() ? 1 : 0;
  }
  REQUIRE(finding);
  CHECK_FALSE(finding->clean);
  CHECK(windows > 5);  // in as many short windows nothing was wrong
  CHECK_FALSE(watch_frames(watch, 100, 1, 5000));
  const auto again = watch_frames(watch, 250, 1, 5000);
  REQUIRE(again);
  CHECK(again->clean);
}

TEST_CASE("detectors may differ by a tenth, not by a quarter", "[watch]") {
  ClickWatch watch{receiver};
  auto finding = watch_frames(watch, 30, 1, 4750);
  REQUIRE(finding);
  CHECK(finding->clean);
  finding = watch_frames(watch, 30, 1, 4300);
  REQUIRE(finding);
  CHECK_FALSE(finding->clean);
  CHECK(finding->text.contains("one detector is favoured"));
  CHECK_FALSE(watch_frames(watch, 30, 1, 5700)->clean);
}

TEST_CASE("a new epoch begins a new window", "[watch]") {
  ClickWatch watch{receiver};
  CHECK_FALSE(watch_frames(watch, 28, 0, 5000, 1));
  CHECK_FALSE(watch_frames(watch, 28, 0, 5000, 2));
}

TEST_CASE("where double clicks are too rare to say something the bits are judged all the same", "[watch]") {
  Capabilities far = receiver;
  far.z_probability = 0.999999;  // hardly a pulse is measured in the other basis
  ClickWatch watch{far};
  CHECK_FALSE(watch_frames(watch, 999, 0, 5000));
  const auto finding = watch_frames(watch, 1, 0, 5000);
  REQUIRE(finding);
  CHECK(finding->clean);
}
