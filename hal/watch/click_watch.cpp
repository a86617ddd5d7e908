#include "hal/watch/click_watch.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <format>
#include <utility>

namespace cloister::hal::watch {

namespace {

constexpr std::uint64_t window_clicks_min = 100'000;
constexpr std::uint64_t window_clicks_max = 10'000'000;
/// Double clicks to expect of a window. With 30, none at all has a chance of 1e-13; with 300, half of them one of 1e-20.
constexpr auto doubles_wanted = std::to_array<double>({30, 300});
/// Clicks that are no light, of dark counts and after-pulses, on a link that still makes key.
constexpr double not_light_max = 0.1;
/// Hard outer limits: twice what light makes that splits evenly in both bases, and dark counts beside clicks.
constexpr double doubles_excess = 2;
constexpr double dark_beside_click = 1e-4;
/// Detectors of which one is a tenth less efficient than the other.
constexpr double bias_max = 0.05;

/// Chernoff: the chance that a Poisson number of this mean is as far from it as `found`, on that side, is at most this.
double chance(double found, double mean) {
  const double part = found / mean;
  return std::exp(-mean * (1 - part + (found > 0 ? part * std::log(part) : 0)));
}

}  // namespace

std::optional<Finding> ClickWatch::on_frame(const DetectionFrame& frame) {
  if (epoch_ != frame.epoch) {
    epoch_ = frame.epoch;
    windows_ = {};
  }
  std::uint64_t doubles = 0;
  std::uint64_t ones = 0;
  for (const auto& detection : frame.detections) {
    doubles += detection.double_click;
    ones += detection.bit;
  }
  std::optional<Finding> worst;
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    auto& window = windows_[i];
    window.slots += frame.slots;
    window.clicks += frame.detections.size();
    window.doubles += doubles;
    window.ones += ones;
    if (!says_something(window, doubles_wanted[i])) continue;
    auto finding = judge(std::exchange(window, {}));
    if (!finding.clean)
      suspect_ = std::max(suspect_, i);
    else if (i < suspect_)
      continue;
    if (finding.clean) suspect_ = 0;
    if (!worst || worst->clean) worst = std::move(finding);
  }
  if (worst && !worst->clean) windows_ = {};  // what is to come is judged for itself
  return worst;
}

bool ClickWatch::says_something(const Window& window, double doubles) const {
  if (window.clicks >= window_clicks_max) return true;
  return window.clicks >= window_clicks_min && doubles_least(window) >= doubles;
}

double ClickWatch::coincidences(const Window& window) const {
  double mean_photons = 0;
  for (std::size_t k = 0; k < capabilities_.intensities.size(); ++k)
    mean_photons += capabilities_.intensity_probabilities[k] * capabilities_.intensities[k];
  const double rate = static_cast<double>(window.clicks) / static_cast<double>(window.slots);
  double both = 0;
  for (std::size_t k = 0; k < capabilities_.intensities.size(); ++k) {
    const double one = -std::expm1(-rate * capabilities_.intensities[k] / mean_photons / 2);
    both += capabilities_.intensity_probabilities[k] * one * one;
  }
  return both * static_cast<double>(window.slots);
}

double ClickWatch::doubles_least(const Window& window) const {
  const double light = 1 - not_light_max;
  return light * light * 2 * capabilities_.z_probability * (1 - capabilities_.z_probability) * coincidences(window);
}

Finding ClickWatch::judge(const Window& window) const {
  const auto clicks = static_cast<double>(window.clicks);
  const auto doubles = static_cast<double>(window.doubles);
  const double least = doubles_least(window);
  if (least >= doubles_wanted.front() && doubles < least && chance(doubles, least) < false_alarm)
    return {.clean = false,
            .text = std::format("{} double clicks among {}, where light makes {:.0f} at least: the detectors may be "
                                "blinded",
                                window.doubles, window.clicks, least)};
  const double most = doubles_excess * coincidences(window) + dark_beside_click * clicks;
  if (doubles > most && chance(doubles, most) < false_alarm)
    return {.clean = false,
            .text = std::format("{} double clicks among {}, where {:.0f} are the most that the transmitter's light "
                                "makes: somebody sends brighter pulses",
                                window.doubles, window.clicks, most)};
  const double excess = std::abs(2 * static_cast<double>(window.ones) - clicks);
  if (excess > bias_max * clicks + std::sqrt(2 * clicks * std::log(2 / false_alarm)))
    return {.clean = false,
            .text = std::format("zeros and ones among {} clicks are {:.1f} % of them apart: one detector is favoured",
                                window.clicks, 100 * excess / clicks)};
  return {};
}

}  // namespace cloister::hal::watch
