// The twin of every attack: links on which nobody is, in great number, and not one alarm.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cstdlib>
#include <string>

#include "config/link_model.hpp"
#include "hal/fibre/described_link.hpp"
#include "tests/attack/attacked_link.hpp"

namespace cloister::test {
namespace {

std::size_t blocks() {
  const char* asked = std::getenv("CLOISTER_ATTACK_BLOCKS");
  return asked == nullptr ? 8 : std::stoul(asked);
}

}  // namespace

TEST_CASE("A quiet link makes a key of every block and has no alarm") {
  const double length_km = GENERATE(10.0, 50.0, 75.0);
  INFO(length_km << " km");
  LitLink link{glass(length_km), source(), parameters(), 31};
  link.shine(blocks());
  CHECK(link.keys() == link.ended.size());
  CHECK(link.alarms.empty());
}

TEST_CASE("Nor has one whose devices are as real ones: gated, not quite alike, drifting, with dimmed gates") {
  auto link = gated(GENERATE(10.0, 50.0, 75.0), 60e-12);
  link.efficiency_ratio = 0.95;
  link.extinction_db = 25;
  link.pattern_effect = 0.01;
  link.drift_radians = 0.05;
  link.drift_time_seconds = 0.1;
  INFO(link.length_km << " km");
  LitLink lit{link, source(), parameters(), 33};
  lit.shine(blocks());
  CHECK(lit.keys() == lit.ended.size());
  for (const auto& alarm : lit.alarms) UNSCOPED_INFO(alarm);
  CHECK(lit.alarms.empty());
}

TEST_CASE("Nor has one with after-pulses, dead time, dark counts or unequal detectors") {
  const auto* const name = GENERATE("ingaas-50km", "snspd-100km", "gruenenfelder-2023", "li-2023", "unequal detectors");
  INFO(name);
  auto receiver = glass();
  auto light = source();
  if (const auto model = config::find_link_model(name)) {
    receiver = hal::fibre::parameters_of(*model);
    receiver.dimmed_gates = 0.01;
    receiver.gate = {
        .width_seconds = 0.15 / model->clock_hz, .apart_seconds = 0, .jitter_seconds = 0.03 / model->clock_hz};
    light = {.clock_hz = model->clock_hz,
             .z_probability = model->distillation.key_basis_probability,
             .intensities = {model->distillation.intensities[0], model->distillation.intensities[1]},
             .probabilities = {model->distillation.probabilities[0], model->distillation.probabilities[1]}};
  } else {
    receiver.efficiency_ratio = 0.92;
  }
  auto large_epsilon = parameters();  // small blocks, at 90 % key basis
  large_epsilon.eps_sec = 1e-3;
  large_epsilon.intensities = light.intensities;
  large_epsilon.probabilities = light.probabilities;
  LitLink link{receiver, light, large_epsilon, 32};
  link.shine(blocks());
  CHECK(link.alarms.empty());
}

}  // namespace cloister::test
