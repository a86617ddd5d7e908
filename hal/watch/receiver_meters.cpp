#include "hal/watch/receiver_meters.hpp"

#include <algorithm>
#include <cmath>
#include <format>
#include <numeric>
#include <utility>

namespace cloister::hal::watch {

namespace {

/// Hard outer limits, for drifts of what was calibrated and for clicks that are no light.
constexpr double current_excess = 2;
constexpr double arrivals_off_max = 0.1;
constexpr double dimmed_ratio_min = 0.4;
constexpr double dimmed_ratio_max = 0.6;
/// Beyond these nothing is a calibration.
constexpr double current_deviation_max = 1e-6;
constexpr double dark_amperes_max = 1e-5;
constexpr double coulombs_per_click_max = 1e-11;
/// How much a window must hold to say something.
constexpr std::uint64_t arrivals_wanted = 20'000;  // clicks of one detector
constexpr double dimmed_wanted = 2'000;            // clicks in dimmed gates

Finding wrong(std::string text) { return {.clean = false, .text = std::move(text)}; }

/// Chernoff and Hoeffding: the chance of a share as far out as `found` among `trials`, where `share` is expected.
double chance(double found, double share, double trials) {
  const double hit = found > 0 ? found * std::log(found / share) : 0;
  const double miss = found < 1 ? (1 - found) * std::log((1 - found) / (1 - share)) : 0;
  return std::exp(-trials * (hit + miss));
}

bool are_shares(const Arrivals::Shares& shares) {
  constexpr double rounding = 1e-6;
  return std::ranges::all_of(shares, [](double share) { return share >= 0 && share <= 1; }) &&
         std::abs(std::accumulate(shares.begin(), shares.end(), 0.0) - 1) < rounding;
}

}  // namespace

ReceiverMeters::ReceiverMeters(const Capabilities& receiver)
    : meters_{receiver.meters},
      clock_hz_{receiver.clock_hz},
      quiet_{static_cast<std::uint64_t>(quiet_seconds * receiver.clock_hz)} {}

std::optional<Finding> ReceiverMeters::on_frame(const DetectionFrame& frame,
                                                const std::optional<ReceiverReadings>& readings) {
  return quiet_.after(frame.slots, look(frame, readings));
}

std::optional<Finding> ReceiverMeters::look(const DetectionFrame& frame,
                                            const std::optional<ReceiverReadings>& readings) {
  auto found = judge_silence(frame.slots, readings);
  if (!readings) return found;
  const auto add = [&](std::optional<Finding> next) {
    if (found && next)
      found->text += "; " + next->text;
    else if (next)
      found = std::move(next);
  };
  add(judge_consistency(frame, *readings));
  add(judge_current(*readings));
  if (readings->arrivals) add(judge_arrivals(*readings->arrivals));
  if (readings->dimmed_gates) add(judge_dimmed(*readings->dimmed_gates));
  return found;
}

std::optional<Finding> ReceiverMeters::judge_silence(std::uint64_t slots,
                                                     const std::optional<ReceiverReadings>& readings) {
  std::optional<Finding> found;
  const auto count = [&](const char* name, bool has, bool says, std::uint64_t& silent) {
    silent = says ? 0 : silent + slots;
    if (has && static_cast<double>(silent) > silent_seconds_max * clock_hz_)
      found = wrong(std::format("the receiver's {} says nothing: nobody can tell what happens to its detectors", name));
  };
  count("photocurrent meter", meters_.photocurrent, readings && readings->photocurrent, silent_slots_.photocurrent);
  count("arrival histogram", meters_.arrivals, readings && readings->arrivals, silent_slots_.arrivals);
  count("count of dimmed gates", meters_.dimmed_gates, readings && readings->dimmed_gates, silent_slots_.dimmed_gates);
  return found;
}

bool ReceiverMeters::covers(const std::optional<ReceiverReadings>& readings) const {
  return (!meters_.photocurrent || (readings && readings->photocurrent)) &&
         (!meters_.arrivals || (readings && readings->arrivals)) &&
         (!meters_.dimmed_gates || (readings && readings->dimmed_gates));
}

std::optional<Finding> ReceiverMeters::judge_consistency(const DetectionFrame& frame,
                                                         const ReceiverReadings& readings) const {
  if (readings.epoch != frame.epoch || readings.first != frame.first || readings.slots != frame.slots)
    return wrong("the receiver's meters speak of other slots than its clicks");
  // A device may lose clicks that its meters have seen, where there are too many; not the other way round.
  std::uint64_t arrived = readings.arrivals ? 0 : readings.clicks;
  if (readings.arrivals)
    for (const auto& detector : readings.arrivals->clicks)
      arrived = std::accumulate(detector.begin(), detector.end(), arrived);
  const auto gated = readings.dimmed_gates ? readings.dimmed_gates->dimmed_clicks + readings.dimmed_gates->other_clicks
                                           : readings.clicks;
  if (readings.clicks < frame.detections.size() || arrived != readings.clicks || gated != readings.clicks)
    return wrong(std::format("the receiver's meters count {}, {} and {} clicks where it reports {}", readings.clicks,
                             arrived, gated, frame.detections.size()));
  return std::nullopt;
}

std::optional<Finding> ReceiverMeters::judge_current(const ReceiverReadings& readings) const {
  if (!readings.photocurrent) return std::nullopt;
  const auto& current = *readings.photocurrent;
  const bool calibrated = current.amperes.deviation >= 0 && current.amperes.deviation <= current_deviation_max &&
                          current.dark_amperes >= 0 && current.dark_amperes <= dark_amperes_max &&
                          current.coulombs_per_click >= 0 && current.coulombs_per_click <= coulombs_per_click_max;
  if (!calibrated) return wrong("the calibration of the receiver's photocurrent meter is none");
  const double seconds = static_cast<double>(readings.slots) / clock_hz_;
  const double honest =
      current.dark_amperes + current.coulombs_per_click * static_cast<double>(readings.clicks) / seconds;
  const double limit = current_excess * honest + deviations() * current.amperes.deviation;
  if (current.amperes.value <= limit) return std::nullopt;  // what is no number goes on
  return wrong(
      std::format("a current of {:.2g} A through the detectors, where {} clicks make at most {:.2g} A: they may be "
                  "blinded",
                  current.amperes.value, readings.clicks, limit));
}

std::optional<Finding> ReceiverMeters::judge_arrivals(const Arrivals& arrivals) {
  if (!std::ranges::all_of(arrivals.expected, are_shares))
    return wrong("the calibration of the receiver's arrival times is none");
  for (const std::size_t bit : {0U, 1U}) {
    auto& clicks = arrivals_.clicks[bit];
    for (std::size_t bin = 0; bin < arrival_bins; ++bin) clicks[bin] += arrivals.clicks[bit][bin];
    const auto all = std::accumulate(clicks.begin(), clicks.end(), std::uint64_t{0});
    if (all < arrivals_wanted) continue;
    const auto seen = std::exchange(clicks, {});
    const auto number = static_cast<double>(all);
    double distance = 0;
    double by_chance = std::sqrt(std::log(2 / false_alarm) / (2 * number));
    for (std::size_t bin = 0; bin < arrival_bins; ++bin) {
      const double expected = arrivals.expected[bit][bin];
      distance += std::abs(seen[bin] / number - expected) / 2;
      by_chance += std::sqrt(expected * (1 - expected) / number) / 2;
    }
    if (distance > arrivals_off_max + by_chance)
      return wrong(std::format(
          "{:.0f} % of the clicks of detector {} come at other times within the gate than calibrated, where "
          "{:.0f} % may: somebody shifts the light, or shines behind the gate",
          100 * distance, bit, 100 * (arrivals_off_max + by_chance)));
  }
  return std::nullopt;
}

std::optional<Finding> ReceiverMeters::judge_dimmed(const DimmedGates& gates) {
  if (!(gates.share > 0 && gates.share < 1)) return wrong("the receiver dims none of its gates, or all of them");
  dimmed_.dimmed_clicks += gates.dimmed_clicks;
  dimmed_.other_clicks += gates.other_clicks;
  const auto all = static_cast<double>(dimmed_.dimmed_clicks + dimmed_.other_clicks);
  if (all * gates.share / 2 < dimmed_wanted) return std::nullopt;
  const auto dimmed = static_cast<double>(std::exchange(dimmed_, {}).dimmed_clicks);
  const auto share_at = [&](double ratio) { return gates.share * ratio / (gates.share * ratio + 1 - gates.share); };
  const double found = dimmed / all;
  const double low = share_at(dimmed_ratio_min);
  const double high = share_at(dimmed_ratio_max);
  if (found >= low && found <= high) return std::nullopt;
  if (chance(found, found < low ? low : high, all) >= false_alarm) return std::nullopt;
  return wrong(std::format(
      "a dimmed gate clicks {:.2f} times as often as another, where its light makes 0.5: somebody else makes "
      "the detectors click",
      found * (1 - gates.share) / ((1 - found) * gates.share)));
}

}  // namespace cloister::hal::watch
