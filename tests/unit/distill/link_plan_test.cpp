// Plans against closed forms that are written out here once more, and against the account itself.
#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "appliance/distill/link_plan.hpp"

namespace cloister::distill {
namespace {

bool near(double found, double expected, double relative = 1e-9) { return std::abs(found / expected - 1) < relative; }

constexpr LinkPhysics physics{.clock_hz = 1e9,
                              .z_probability = 0.9,
                              .transmittance = 0.1,
                              .efficiency = 0.2,
                              .dark_count_probability = 1e-6,
                              .misalignment = 0.01};

Parameters parameters_of(std::uint64_t block_bits = 10'000'000) {
  Parameters parameters;
  parameters.block_bits = block_bits;
  return parameters;
}

TEST_CASE("Gains and error rates are those of weak coherent light on two threshold detectors", "[plan]") {
  const auto parameters = parameters_of();
  const auto plan = plan_link(physics, parameters);
  double clicks = 0;
  for (std::size_t k = 0; k < 2; ++k) {
    const double mean = 0.02 * parameters.intensities[k];  // at the detectors
    const double gain = 1 - (1 - 1e-6) * (1 - 1e-6) * std::exp(-mean);
    CHECK(near(plan.gain[k], gain));
    // To first order: misalignment of the light, one half of the darkness, one half of the double clicks.
    CHECK(near(plan.error[k] * gain, 0.01 * mean + 1e-6, 0.02));
    clicks += parameters.probabilities[k] * gain * 1e9;
  }
  CHECK(near(plan.clicks_per_second, clicks));
  CHECK(near(plan.sifted_bits_per_second, 0.81 * clicks));
  CHECK(near(plan.block_seconds, 1e7 / (0.81 * clicks)));
}

TEST_CASE("The planned length is what the account of the planned counts says", "[plan]") {
  const auto plan = plan_link(physics, parameters_of());
  REQUIRE(plan.account.length_bits > 0);
  CHECK(secret_length(plan.account.observation()).length_bits == plan.account.length_bits);
  CHECK(near(plan.secret_bits_per_second * plan.block_seconds, static_cast<double>(plan.account.length_bits)));
  CHECK(plan.account.key.detections() >= 9'999'998);
  CHECK(plan.account.key.detections() <= 10'000'002);
  CHECK(near(plan.account.test_qber(), plan.account.key_qber(), 1e-3));
}

TEST_CASE("Larger blocks and larger epsilons give more key, none more than blocks without end", "[plan]") {
  double last = 0;
  for (const std::uint64_t bits : {1'000'000UZ, 10'000'000UZ, 100'000'000UZ, endless_block_bits}) {
    const double rate = plan_link(physics, parameters_of(bits)).secret_bits_per_second;
    CHECK(rate > last);
    last = rate;
  }
  auto strict = parameters_of();
  strict.eps_sec = 1e-20;
  CHECK(plan_link(physics, strict).secret_bits_per_second < plan_link(physics, parameters_of()).secret_bits_per_second);
}

TEST_CASE("Dead time caps the clicks, and after-pulses add errors of one half", "[plan]") {
  auto slow = physics;
  slow.dead_slots = 1000;
  const double clicks = plan_link(physics, parameters_of()).clicks_per_second / 1e9;
  CHECK(near(plan_link(slow, parameters_of()).clicks_per_second / 1e9, clicks / (1 + 1000 * clicks)));

  auto trapped = physics;
  trapped.after_pulse = 0.02;
  const auto plan = plan_link(trapped, parameters_of());
  CHECK(near(plan.clicks_per_second / 1e9, clicks / 0.98));
  const double expected = 0.98 * plan_link(physics, parameters_of()).account.key_qber() + 0.02 / 2;
  CHECK(near(plan.account.key_qber(), expected, 1e-3));
}

TEST_CASE("No light, and more errors than the limit, give no key", "[plan]") {
  auto dark = physics;
  dark.efficiency = 0;
  CHECK(plan_link(dark, parameters_of()).secret_bits_per_second == 0);
  dark.dark_count_probability = 0;
  CHECK(plan_link(dark, parameters_of()).secret_bits_per_second == 0);
  auto misaligned = physics;
  misaligned.misalignment = 0.085;
  CHECK(plan_link(misaligned, parameters_of(endless_block_bits)).secret_bits_per_second == 0);
}

}  // namespace
}  // namespace cloister::distill
