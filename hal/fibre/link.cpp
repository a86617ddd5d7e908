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
constexpr double insertion_loss_max = 100;
constexpr double dead_time_seconds_max = 1;
/// At one half each click has one more in its train on average: more would be no detector.
constexpr double after_pulse_probability_max = 0.5;
constexpr double after_pulse_lifetime_min = 1e-10;
constexpr double after_pulse_lifetime_max = 1e-3;

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
      .and_then([&] { return within("the insertion loss in dB", parameters.insertion_loss_db, 0, insertion_loss_max); })
      .and_then([&] { return within("the efficiency", parameters.efficiency, 0, 1); })
      .and_then([&] { return within("the efficiency ratio", parameters.efficiency_ratio, 0, 1); })
      .and_then([&] { return within("the dark count probability", parameters.dark_count_probability, 0, 0.1); })
      .and_then([&] { return within("the misalignment", parameters.misalignment, 0, 0.5); })
      .and_then(
          [&] { return within("the dead time in seconds", parameters.dead_time_seconds, 0, dead_time_seconds_max); })
      .and_then([&] {
        return within("the after-pulse probability", parameters.after_pulse_probability, 0,
                      after_pulse_probability_max);
      })
      .and_then([&] {
        return within("the after-pulse lifetime in seconds", parameters.after_pulse_lifetime_seconds,
                      after_pulse_lifetime_min, after_pulse_lifetime_max);
      });
}

Link::Link(const LinkParameters& parameters, const simulator::SourceSettings& settings,
           simulator::SymbolGenerator generator, std::uint64_t dice_seed)
    : parameters_{parameters},
      settings_{settings},
      generator_{std::move(generator)},
      dice_{dice_seed},
      dead_time_{parameters.dead_time_seconds, settings.clock_hz},
      after_pulses_{parameters.after_pulse_probability, parameters.after_pulse_lifetime_seconds, settings.clock_hz},
      eve_{std::nullopt, settings},
      z_below_{static_cast<std::uint64_t>(std::ldexp(settings.z_probability, 32))} {
  disturb({});
}

void Link::disturb(const Disturbance& disturbance) {
  eve_ = Eavesdropper{disturbance.eve, settings_};
  const double loss =
      transmittance(parameters_.length_km, parameters_.attenuation_db_per_km, parameters_.insertion_loss_db);
  const double reaches = disturbance.cut ? 0 : loss * parameters_.efficiency;
  const std::array means{settings_.intensities[0], settings_.intensities[1], settings_.intensities[2],
                         eve_mean_photons(settings_), 0.0};
  const std::array strays{parameters_.misalignment, 0.5};
  for (std::size_t i = 0; i < means.size(); ++i)
    for (std::size_t conjugate = 0; conjugate < 2; ++conjugate)
      for (std::uint8_t bit = 0; bit < 2; ++bit)
        odds_[i][conjugate][bit] = click_odds(reaches * means[i], strays[conjugate], parameters_.dark_count_probability,
                                              efficiencies(bit, parameters_.efficiency_ratio));
  // Eve's pulse is the brightest of all, so candidates are drawn for it only while she is there.
  p_max_ = 0;
  for (const auto& by_basis : std::span{odds_}.first(disturbance.eve ? 4 : 3))
    for (const auto& by_bit : by_basis) p_max_ = std::max({p_max_, by_bit[0].any, by_bit[1].any});
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

void Link::report(Frame& frame, Slot slot, Basis basis, Click seen) {
  dead_time_.clicked(slot);
  after_pulses_.clicked(slot, basis, seen.bit, dice_);
  if (frame.packed.size() == simulator::frame_detections_max) {
    ++frame.counts.overflowed;
    return;
  }
  frame.counts.double_clicks += seen.double_click ? 1 : 0;
  frame.packed.push_back(simulator::pack(slot - frame.first, basis, seen.bit, seen.double_click));
}

void Link::report_after_pulses(Frame& frame, Slot end) {
  while (after_pulses_.due(end)) {
    const auto freed = after_pulses_.take();
    if (!dead_time_.blind(freed.slot))
      report(frame, freed.slot, freed.basis, {.bit = freed.bit, .double_click = false});
  }
}

ClickCounts Link::run(Epoch epoch, Slot first, std::uint64_t slots, std::vector<std::uint32_t>& packed) {
  require(slots <= simulator::frame_slots_max, "a run of slots fits a fibre frame");
  packed.clear();
  Frame frame{.first = first, .packed = packed, .counts = {}};
  if (std::exchange(fresh_, false)) next_candidate_ = first + skips_.next(dice_);
  while (const auto count = draw_candidates(first + slots)) {
    generator_.symbols(epoch, std::span{slots_}.first(count), std::span{symbols_}.first(count));
    for (std::size_t i = 0; i < count; ++i) {
      const auto slot = slots_[i];
      report_after_pulses(frame, slot + 1);  // one in this very slot comes first and hides the light
      if (dead_time_.blind(slot)) continue;
      const auto pulse = eve_.passes(emitted(symbols_[i]), dice_);
      const auto draws = dice_.bits();
      const auto basis = (draws >> 32) < z_below_ ? Basis::z : Basis::x;
      const auto& odds = odds_[static_cast<std::size_t>(pulse.brightness)][basis == pulse.basis ? 0 : 1][pulse.bit];
      const double draw = dice_.uniform() * p_max_;
      if (draw < odds.any) report(frame, slot, basis, click(odds, draw, pulse.bit, (draws & 1U) != 0));
    }
  }
  report_after_pulses(frame, first + slots);
  return frame.counts;
}

}  // namespace cloister::hal::fibre
