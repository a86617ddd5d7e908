#include "hal/fibre/link.hpp"

#include <algorithm>
#include <cmath>
#include <format>
#include <utility>

#include "hal/fibre/attenuation.hpp"
#include "hal/simulator/protocol.hpp"

namespace cloister::hal::fibre {

namespace {

constexpr double length_km_max = 1000;
constexpr double attenuation_max = 100;
constexpr double dead_time_seconds_max = 1;

// Written so that NaN fails it.
Result<> within(const char* name, double value, double low, double high) {
  if (value >= low && value <= high) return {};
  return fail(std::format("{} {} is outside {} … {}", name, value, low, high));
}

}  // namespace

Result<> check(const LinkParameters& parameters) {
  return within("the length in km", parameters.length_km, 0, length_km_max)
      .and_then(
          [&] { return within("the attenuation in dB per km", parameters.attenuation_db_per_km, 0, attenuation_max); })
      .and_then([&] { return within("the efficiency", parameters.efficiency, 0, 1); })
      .and_then([&] { return within("the dark count probability", parameters.dark_count_probability, 0, 0.1); })
      .and_then([&] { return within("the misalignment", parameters.misalignment, 0, 0.5); })
      .and_then(
          [&] { return within("the dead time in seconds", parameters.dead_time_seconds, 0, dead_time_seconds_max); });
}

Link::Link(const LinkParameters& parameters, const simulator::SourceSettings& settings,
           simulator::SymbolGenerator generator, std::uint64_t dice_seed)
    : parameters_{parameters},
      settings_{settings},
      generator_{std::move(generator)},
      dice_{dice_seed},
      dead_time_{parameters.dead_time_seconds, settings.clock_hz},
      eve_{std::nullopt, settings},
      z_below_{static_cast<std::uint64_t>(std::ldexp(settings.z_probability, 32))} {
  disturb({});
}

void Link::disturb(const Disturbance& disturbance) {
  eve_ = Eavesdropper{disturbance.eve, settings_};
  const double loss = transmittance(parameters_.length_km, parameters_.attenuation_db_per_km);
  const double reaches = disturbance.cut ? 0 : loss * parameters_.efficiency;
  const std::array means{settings_.intensities[0], settings_.intensities[1], eve_mean_photons(settings_), 0.0};
  for (std::size_t i = 0; i < means.size(); ++i)
    odds_[i] = {click_odds(reaches * means[i], parameters_.misalignment, parameters_.dark_count_probability),
                click_odds(reaches * means[i], 0.5, parameters_.dark_count_probability)};
  // Eve's pulse is the brightest of all, so candidates are drawn for it only while she is there.
  p_max_ = 0;
  for (const auto& [matching, conjugate] : std::span{odds_}.first(disturbance.eve ? 3 : 2))
    p_max_ = std::max({p_max_, matching.any, conjugate.any});
  skips_ = GeometricSkips{p_max_};
  fresh_ = true;  // the geometric distribution has no memory: drawing anew is the same
}

std::size_t Link::draw_candidates(Slot end) {
  std::size_t count = 0;
  while (count < batch && next_candidate_ < end) {
    slots_[count++] = next_candidate_;
    next_candidate_ += 1 + skips_.next(dice_);
  }
  return count;
}

ClickCounts Link::run(Epoch epoch, Slot first, std::uint64_t slots, std::vector<std::uint32_t>& packed) {
  require(slots <= simulator::frame_slots_max, "a run of slots fits a fibre frame");
  packed.clear();
  ClickCounts counts;
  if (std::exchange(fresh_, false)) next_candidate_ = first + skips_.next(dice_);
  while (const auto count = draw_candidates(first + slots)) {
    generator_.symbols(epoch, std::span{slots_}.first(count), std::span{symbols_}.first(count));
    for (std::size_t i = 0; i < count; ++i) {
      const auto slot = slots_[i];
      if (dead_time_.blind(slot)) continue;
      const auto pulse = eve_.passes(emitted(symbols_[i]), dice_);
      const auto draws = dice_.bits();
      const auto basis = (draws >> 32) < z_below_ ? Basis::z : Basis::x;
      const auto& odds = odds_[static_cast<std::size_t>(pulse.brightness)][basis == pulse.basis ? 0 : 1];
      const double draw = dice_.uniform() * p_max_;
      if (draw >= odds.any) continue;
      const auto seen = click(odds, draw, pulse.bit, (draws & 1U) != 0);
      dead_time_.clicked(slot);
      if (packed.size() == simulator::frame_detections_max) {
        ++counts.overflowed;
        continue;
      }
      counts.double_clicks += seen.double_click ? 1 : 0;
      packed.push_back(simulator::pack(slot - first, basis, seen.bit, seen.double_click));
    }
  }
  return counts;
}

}  // namespace cloister::hal::fibre
