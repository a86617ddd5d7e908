#pragma once
/// From a link's file to the fibre and receiver that are simulated.

#include "config/link_model.hpp"
#include "hal/fibre/link.hpp"

namespace cloister::hal::fibre {

inline LinkParameters parameters_of(const config::LinkModel& model) {
  return {.length_km = model.fibre.length_km,
          .attenuation_db_per_km = model.fibre.attenuation_db_per_km,
          .insertion_loss_db = model.fibre.insertion_loss_db,
          .efficiency = model.receiver.efficiency,
          .efficiency_ratio = model.receiver.efficiency_ratio,
          .dark_count_probability = model.receiver.dark_count_probability,
          .misalignment = model.receiver.misalignment,
          .dead_time_seconds = model.receiver.dead_time_ns * 1e-9,
          .after_pulse_probability = model.receiver.after_pulse_probability,
          .after_pulse_lifetime_seconds = model.receiver.after_pulse_lifetime_ns * 1e-9};
}

}  // namespace cloister::hal::fibre
