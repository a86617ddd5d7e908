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
constexpr double eve_mean_photons_max = 1e6;

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

Result<> check(const Disturbance& disturbance) {
  const double fraction =
      disturbance.eve ? std::visit([](const auto& attack) { return attack.fraction; }, *disturbance.eve) : 0;
  if (disturbance.sync_shift > sync_shift_max) return fail(std::format("'shift' is outside 0 … {}", sync_shift_max));
  return within("'fraction'", fraction, 0, 1)
      .and_then([&] { return within("'noise'", disturbance.noise, 0, 0.1); })
      .and_then([&] {
        const auto* resend = disturbance.eve ? std::get_if<InterceptResend>(&*disturbance.eve) : nullptr;
        return within("'mean_photons'", resend ? resend->mean_photons : 0, 0, eve_mean_photons_max);
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
      z_below_{static_cast<std::uint64_t>(std::ldexp(settings.z_probability, 32))} {
  disturb({});
}

void Link::disturb(const Disturbance& disturbance) {
  disturbance_ = disturbance;
  const QuietLink quiet{
      .receiver = {.efficiency = parameters_.efficiency,
                   .efficiency_ratio = parameters_.efficiency_ratio,
                   .dark_count_probability = 1 - (1 - parameters_.dark_count_probability) * (1 - disturbance.noise),
                   .misalignment = parameters_.misalignment},
      .transmittance = disturbance.cut ? 0
                                       : transmittance(parameters_.length_km, parameters_.attenuation_db_per_km,
                                                       parameters_.insertion_loss_db),
      .source = settings_};
  p_max_ = 0;
  for (std::size_t intensity = 0; intensity < settings_.intensity_count(); ++intensity)
    for (const Basis basis : {Basis::z, Basis::x})
      for (const std::uint8_t bit : bit_values)
        for (const Basis measured : {Basis::z, Basis::x})
          tabulate(quiet, {.basis = basis, .bit = bit, .intensity = static_cast<std::uint8_t>(intensity)}, measured);
  skips_ = GeometricSkips{p_max_};
  fresh_ = true;  // the geometric distribution has no memory: drawing anew is the same
}

void Link::tabulate(const QuietLink& link, Symbol symbol, Basis measured) {
  const Carried sent{.basis = symbol.basis, .bit = symbol.bit};
  std::vector<Branch> branches{link.untouched(symbol.intensity, sent, measured)};
  if (disturbance_.eve && !disturbance_.cut) {
    branches =
        std::visit([&](const auto& attack) { return branches_of(attack, link, symbol.intensity, sent, measured); },
                   *disturbance_.eve);
  }
  auto& outcomes = outcomes_[table_of(symbol, measured)];
  outcomes.clear();
  double below = 0;
  const auto add = [&](double probability, std::optional<std::uint8_t> bit, const std::optional<Carried>& eve_knows) {
    if (probability <= 0) return;
    below += probability;
    outcomes.push_back({.below = below, .bit = bit, .eve_knows = eve_knows});
  };
  for (const auto& branch : branches) {
    for (const std::uint8_t bit : bit_values)
      add(branch.probability * branch.response.only[bit], bit, branch.eve_knows);
    add(branch.probability * branch.response.both, std::nullopt, branch.eve_knows);
  }
  p_max_ = std::max(p_max_, below);
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

void Link::look_at(Frame& frame, Slot slot, Symbol symbol) {
  const auto draws = dice_.bits();
  const auto basis = (draws >> 32) < z_below_ ? Basis::z : Basis::x;
  const auto& outcomes = outcomes_[table_of(symbol, basis)];
  const double draw = dice_.uniform() * p_max_;
  if (outcomes.empty() || draw >= outcomes.back().below) return;
  const auto outcome = std::ranges::find_if(outcomes, [&](const Outcome& each) { return draw < each.below; });
  const bool coin = (draws & 1U) != 0;
  report(frame, slot, basis,
         {.bit = outcome->bit.value_or(static_cast<std::uint8_t>(coin)), .double_click = !outcome->bit.has_value()});
  if (outcome->eve_knows) notes_.push_back({.slot = slot, .knows = *outcome->eve_knows});
}

void Link::replay(Frame& frame, std::uint64_t slots) {
  for (const auto click : last_frame_)
    if ((click >> 3U) < slots) frame.packed.push_back(click);
}

ClickCounts Link::run(Epoch epoch, Slot first, std::uint64_t slots, std::vector<std::uint32_t>& packed) {
  require(slots <= simulator::frame_slots_max, "a run of slots fits a fibre frame");
  packed.clear();
  notes_.clear();
  Frame frame{.first = first, .packed = packed, .counts = {}};
  if (disturbance_.replay && !last_frame_.empty()) {
    replay(frame, slots);
    return frame.counts;
  }
  if (std::exchange(fresh_, false)) next_candidate_ = first + skips_.next(dice_);
  while (const auto count = draw_candidates(first + slots)) {
    auto sent = slots_;
    for (auto& slot : std::span{sent}.first(count)) slot += disturbance_.sync_shift;
    generator_.symbols(epoch, std::span{sent}.first(count), std::span{symbols_}.first(count));
    for (std::size_t i = 0; i < count; ++i) {
      report_after_pulses(frame, slots_[i] + 1);  // one in this very slot comes first and hides the light
      if (!dead_time_.blind(slots_[i])) look_at(frame, slots_[i], symbols_[i]);
    }
  }
  report_after_pulses(frame, first + slots);
  frame.counts.known_to_eve = notes_.size();
  last_frame_ = packed;
  return frame.counts;
}

}  // namespace cloister::hal::fibre
