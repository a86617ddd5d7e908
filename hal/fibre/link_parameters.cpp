#include "hal/fibre/link_parameters.hpp"

#include <array>
#include <format>

namespace cloister::hal::fibre {

namespace {

struct Bounds {
  const char* name;
  double value;
  double low;
  double high;
};

// Written so that NaN fails it.
template <std::size_t count>
Result<> within(const std::array<Bounds, count>& all) {
  for (const auto& [name, value, low, high] : all)
    if (!(value >= low && value <= high)) return fail(std::format("{} {} is outside {} … {}", name, value, low, high));
  return {};
}

/// At one half each click has one more in its train on average: more would be no detector.
constexpr double after_pulse_probability_max = 0.5;
constexpr double gate_seconds_max = 1e-6;

}  // namespace

Result<> check(const LinkParameters& link) {
  return within(std::to_array<Bounds>({
      {"the length in km", link.length_km, 0, 1000},
      {"the attenuation in dB per km", link.attenuation_db_per_km, 0, 100},
      {"the insertion loss in dB", link.insertion_loss_db, 0, 100},
      {"the efficiency", link.efficiency, 0, 1},
      {"the efficiency ratio", link.efficiency_ratio, 0, 1},
      {"the dark count probability", link.dark_count_probability, 0, 0.1},
      {"the misalignment", link.misalignment, 0, 0.5},
      {"the dead time in seconds", link.dead_time_seconds, 0, 1},
      {"the after-pulse probability", link.after_pulse_probability, 0, after_pulse_probability_max},
      {"the after-pulse lifetime in seconds", link.after_pulse_lifetime_seconds, 1e-10, 1e-3},
      {"the gate's width in seconds", link.gate.width_seconds, 0, gate_seconds_max},
      {"the gates' distance in seconds", link.gate.apart_seconds, 0, gate_seconds_max},
      {"the jitter in seconds", link.gate.jitter_seconds, 0, gate_seconds_max},
      {"the share of dimmed gates", link.dimmed_gates, 0, 0.5},
      {"the extinction in dB", link.extinction_db, 0, 100},
      {"the pattern effect", link.pattern_effect, 0, 0.5},
      {"the drift in radians", link.drift_radians, 0, 1},
      {"the drift's time in seconds", link.drift_time_seconds, 1e-6, 1e6},
      {"the isolation in dB", link.isolation_db, 0, 200},
  }));
}

Result<> check(const Disturbance& disturbance) {
  if (disturbance.sync_shift > sync_shift_max) return fail(std::format("'shift' is outside 0 … {}", sync_shift_max));
  const auto checked = within(std::to_array<Bounds>({
      {"'noise'", disturbance.noise, 0, 0.1},
      {"'part'", disturbance.weak_randomness, 0, 1},
  }));
  if (!checked || !disturbance.eve) return checked;
  const double fraction = std::visit([](const auto& attack) { return attack.fraction; }, *disturbance.eve);
  const auto* resend = std::get_if<InterceptResend>(&*disturbance.eve);
  const auto* blind = std::get_if<Blinding>(&*disturbance.eve);
  const auto* shift = std::get_if<TimeShift>(&*disturbance.eve);
  const auto* split = std::get_if<BeamSplitting>(&*disturbance.eve);
  const auto* probe = std::get_if<TrojanHorse>(&*disturbance.eve);
  return within(std::to_array<Bounds>({
      {"'fraction'", fraction, 0, 1},
      {"'mean_photons'", resend ? resend->mean_photons : 0, 0, 1e6},
      {"'arrival_ps'", blind ? blind->arrival_seconds * 1e12 : 0, -1e6, 1e6},
      {"'blinded_ua'", blind ? blind->blinded_amperes * 1e6 : 0, 0, 1e6},
      {"'shift_ps'", shift ? shift->shift_seconds * 1e12 : 0, 0, 1e6},
      {"'gain'", split ? split->gain : 1, 1, 10},
      {"'photons'", probe ? probe->photons : 0, 0, 100},
  }));
}

}  // namespace cloister::hal::fibre
