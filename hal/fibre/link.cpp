#include "hal/fibre/link.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "hal/fibre/attenuation.hpp"
#include "hal/simulator/protocol.hpp"

namespace cloister::hal::fibre {

namespace {

/// In a gate that is dimmed: half of the efficiency, which Lim et al. take too.
constexpr double dimming = 0.5;

}  // namespace

Link::Link(const LinkParameters& parameters, const simulator::SourceSettings& settings,
           simulator::SymbolGenerator generator, std::uint64_t dice_seed)
    : parameters_{parameters},
      settings_{settings},
      generator_{std::move(generator)},
      dice_{dice_seed},
      dead_time_{parameters.dead_time_seconds, settings.clock_hz},
      after_pulses_{parameters.after_pulse_probability, parameters.after_pulse_lifetime_seconds, settings.clock_hz},
      modulator_{.extinction_db = parameters.extinction_db, .pattern = parameters.pattern_effect},
      drift_{parameters.drift_radians, parameters.drift_time_seconds},
      meters_{parameters, settings.clock_hz, ~dice_seed},
      z_below_{static_cast<std::uint64_t>(std::ldexp(settings.z_probability, 32))},
      dimmed_below_{static_cast<std::uint64_t>(std::ldexp(parameters.dimmed_gates, 31))} {
  disturb({});
}

void Link::disturb(const Disturbance& disturbance, Slot weak_from) {
  const double weak_before = std::exchange(disturbance_, disturbance).weak_randomness;
  if (std::abs(weak_before - disturbance.weak_randomness) > 0) {
    generator_.weaken(weak_from, disturbance.weak_randomness);
    weak_from_ = weak_from;
  }
  const auto link = quiet_link();
  const auto traces = [&](const auto& attack) { return traces_of(attack, link); };
  meters_.disturb(disturbance.eve ? std::visit(traces, *disturbance.eve) : Traces{});
  tabulate();
}

QuietLink Link::quiet_link() const {
  return {
      .receiver = {.efficiency = parameters_.efficiency,
                   .efficiency_ratio = parameters_.efficiency_ratio,
                   .dark_count_probability = 1 - (1 - parameters_.dark_count_probability) * (1 - disturbance_.noise),
                   .misalignment = drift_.misalignment(parameters_.misalignment),
                   .gate = parameters_.gate},
      .transmittance = disturbance_.cut ? 0
                                        : transmittance(parameters_.length_km, parameters_.attenuation_db_per_km,
                                                        parameters_.insertion_loss_db),
      .source = settings_,
      .isolation_db = parameters_.isolation_db};
}

void Link::tabulate() {
  const auto link = quiet_link();
  p_max_ = 0;
  Pulse pulse;
  for (const bool dimmed : {false, true}) {
    if (dimmed && dimmed_below_ == 0) continue;
    pulse.dimmed = dimmed;
    for (std::size_t before = 0; before < (modulator_.remembers() ? settings_.intensity_count() : 1); ++before) {
      pulse.intensity_before = static_cast<std::uint8_t>(before);
      for (std::size_t intensity = 0; intensity < settings_.intensity_count(); ++intensity)
        for (const Basis basis : {Basis::z, Basis::x})
          for (const std::uint8_t bit : bit_values) {
            pulse.symbol = {basis, bit, static_cast<std::uint8_t>(intensity)};
            for (const Basis measured : {Basis::z, Basis::x}) {
              pulse.measured = measured;
              tabulate(link, pulse);
            }
          }
    }
  }
  skips_ = GeometricSkips{p_max_};
  fresh_ = true;  // the geometric distribution has no memory: drawing anew is the same
}

void Link::tabulate(QuietLink link, const Pulse& pulse) {
  const auto intensity = pulse.symbol.intensity;
  const auto before = modulator_.remembers() ? pulse.intensity_before : intensity;
  link.source.intensities[intensity] = modulator_.mean_photons(settings_.intensities, intensity, before);
  link.receiver.dimming = pulse.dimmed ? dimming : 1;
  const Carried sent{.basis = pulse.symbol.basis, .bit = pulse.symbol.bit};
  std::vector<Branch> branches{link.untouched(intensity, sent, pulse.measured)};
  if (disturbance_.eve && !disturbance_.cut) {
    branches =
        std::visit([&](const auto& attack) { return branches_of(attack, link, intensity, sent, pulse.measured); },
                   *disturbance_.eve);
  }
  auto& outcomes = outcomes_[table_of(pulse)];
  outcomes.clear();
  double below = 0;
  for (const auto& branch : branches) {
    Outcome outcome{.below = 0,
                    .bit = {},
                    .eve_knows = branch.eve_knows,
                    .eve_bits = branch.eve_bits,
                    .dark_share = branch.response.dark_share};
    const auto& gate = parameters_.gate;
    for (const std::uint8_t bit : bit_values)
      outcome.arrival[bit] = branch.bright
                                 ? ArrivalTime{.mean = branch.arrival_seconds, .deviation = gate.jitter_seconds}
                                 : gate.seen_at(bit, branch.arrival_seconds);
    const auto add = [&](double probability, std::optional<std::uint8_t> bit) {
      if (probability <= 0) return;
      below += probability;
      outcome.below = below;
      outcome.bit = bit;
      outcomes.push_back(outcome);
    };
    for (const std::uint8_t bit : bit_values) add(branch.probability * branch.response.only[bit], bit);
    add(branch.probability * branch.response.both, std::nullopt);
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

void Link::report(Frame& frame, Slot slot, Basis basis, Click seen, const ArrivalTime& at, bool dimmed) {
  dead_time_.clicked(slot);
  after_pulses_.clicked(slot, basis, seen.bit, dice_);
  meters_.clicked(seen.bit, at, dimmed);
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
    if (dead_time_.blind(freed.slot)) continue;
    const bool dimmed = dimmed_below_ > 0 && (dice_.bits() >> 33) < dimmed_below_;
    report(frame, freed.slot, freed.basis, {.bit = freed.bit, .double_click = false},
           parameters_.gate.dark_at(freed.bit), dimmed);
  }
}

void Link::look_at(Frame& frame, Slot slot, Pulse pulse) {
  const auto draws = dice_.bits();
  pulse.measured = (draws >> 32) < z_below_ ? Basis::z : Basis::x;
  pulse.dimmed = ((draws >> 1) & 0x7fffffffU) < dimmed_below_;
  const auto& outcomes = outcomes_[table_of(pulse)];
  const double draw = dice_.uniform() * p_max_;
  if (outcomes.empty() || draw >= outcomes.back().below) return;
  const auto outcome = std::ranges::find_if(outcomes, [&](const Outcome& each) { return draw < each.below; });
  const bool coin = (draws & 1U) != 0;
  const auto bit = outcome->bit.value_or(static_cast<std::uint8_t>(coin));
  const double dark_share = outcome->dark_share[bit];
  const bool dark = dark_share > 0 && parameters_.gate.width_seconds > 0 && dice_.uniform() < dark_share;
  report(frame, slot, pulse.measured, {.bit = bit, .double_click = !outcome->bit.has_value()},
         dark ? parameters_.gate.dark_at(bit) : outcome->arrival[bit], pulse.dimmed);
  if (outcome->eve_knows) {
    notes_.push_back({.slot = slot, .knows = *outcome->eve_knows, .bits = outcome->eve_bits});
  } else if (disturbance_.weak_randomness > 0 && slot >= weak_from_) {
    notes_.push_back({.slot = slot,
                      .knows = {.basis = pulse.measured, .bit = 0},
                      .bits = bits_known((1 + disturbance_.weak_randomness) / 2)});
  }
}

void Link::replay(Frame& frame, std::uint64_t slots) {
  for (const auto click : last_frame_)
    if ((click >> 3U) < slots) frame.packed.push_back(click);
}

void Link::look_at_candidates(Frame& frame, Epoch epoch, std::size_t count) {
  auto sent = slots_;
  for (auto& slot : std::span{sent}.first(count)) slot += disturbance_.sync_shift;
  generator_.symbols(epoch, std::span{sent}.first(count), std::span{symbols_}.first(count));
  if (modulator_.remembers()) {
    for (auto& slot : std::span{sent}.first(count)) slot -= slot > 0 ? 1 : 0;
    generator_.symbols(epoch, std::span{sent}.first(count), std::span{symbols_before_}.first(count));
  }
  for (std::size_t i = 0; i < count; ++i) {
    report_after_pulses(frame, slots_[i] + 1);  // one in this very slot comes first and hides the light
    if (dead_time_.blind(slots_[i])) continue;
    look_at(frame, slots_[i],
            {.symbol = symbols_[i],
             .intensity_before = modulator_.remembers() ? symbols_before_[i].intensity : std::uint8_t{0}});
  }
}

ClickCounts Link::run(Epoch epoch, Slot first, std::uint64_t slots, std::vector<std::uint32_t>& packed) {
  require(slots <= simulator::frame_slots_max, "a run of slots fits a fibre frame");
  packed.clear();
  notes_.clear();
  Frame frame{.first = first, .packed = packed, .counts = {}};
  if (drift_.drifts()) {
    drift_.go_on(static_cast<double>(slots) / settings_.clock_hz, dice_);
    tabulate();
  }
  if (disturbance_.replay && !last_frame_.empty()) {
    replay(frame, slots);
  } else {
    if (std::exchange(fresh_, false)) next_candidate_ = first + skips_.next(dice_);
    while (const auto count = draw_candidates(first + slots)) look_at_candidates(frame, epoch, count);
    report_after_pulses(frame, first + slots);
    frame.counts.known_to_eve = notes_.size();
    last_frame_ = packed;
  }
  receiver_readings_ = meters_.read_receiver(epoch, first, slots);
  transmitter_readings_ = meters_.read_transmitter(epoch, first, slots);
  if (disturbance_.silence) {
    receiver_readings_.reset();
    transmitter_readings_.reset();
  }
  return frame.counts;
}

}  // namespace cloister::hal::fibre
