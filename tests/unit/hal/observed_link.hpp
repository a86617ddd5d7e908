#pragma once
/// A simulated link of which each click is seen beside what was sent, and how an effect is held to its closed form.

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <utility>
#include <vector>

#include "hal/fibre/link.hpp"
#include "hal/simulator/protocol.hpp"
#include "tests/unit/hal/goodness_of_fit.hpp"

namespace cloister::tests {

inline constexpr hal::simulator::SourceSettings settings{
    .clock_hz = 1e9, .z_probability = 0.8, .intensities = {0.5, 0.1}, .probabilities = {0.7, 0.3}};
inline constexpr hal::Epoch epoch = 3;

/// What is sent: random as the light of a box, another for each seed.
inline hal::simulator::SymbolGenerator light_of(std::uint64_t seed) {
  hal::simulator::SourceSeed light;
  std::ranges::fill(light.fill(), static_cast<std::byte>(seed));
  auto generator = hal::simulator::SymbolGenerator::create(light, settings);
  REQUIRE(generator);
  return std::move(*generator);
}

struct Seen {
  hal::Symbol sent;
  hal::Detection click;
};

inline std::vector<Seen> observe(const hal::fibre::LinkParameters& parameters, std::uint64_t slots, std::uint64_t seed,
                                 const hal::fibre::Disturbance& disturbance = {}) {
  REQUIRE(hal::fibre::check(parameters));
  hal::fibre::Link link{parameters, settings, light_of(seed), seed};
  link.disturb(disturbance);
  const auto generator = light_of(seed);
  std::vector<Seen> all;
  std::vector<std::uint32_t> packed;
  const auto run_slots = std::min<std::uint64_t>(slots, 500'000'000);
  for (hal::Slot first = 0; first < slots; first += run_slots) {
    link.run(epoch, first, run_slots, packed);
    const auto frame = hal::simulator::unpack(
        {.epoch = epoch, .first = first, .slots = run_slots, .lost = 0, .packed = std::as_bytes(std::span{packed})});
    REQUIRE(frame);
    for (const auto& click : frame->detections) {
      Seen seen{.sent = {}, .click = click};
      const hal::Slot slot = click.slot;
      generator.symbols(epoch, {&slot, 1}, {&seen.sent, 1});
      all.push_back(seen);
    }
  }
  return all;
}

/// `p_of` gives the p-value of one seed, with the effect or without.
template <class PValue>
void check_effect(PValue p_of) {
  std::vector<double> with;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    with.push_back(p_of(true, seed));
    INFO("seed " << seed << ": p = " << with.back());
    CHECK(with.back() > 1e-6);
  }
  const double uniform = uniform_p(with);
  INFO("the hundred p-values are uniform with p = " << uniform);
  CHECK(uniform > 1e-3);
  CHECK(p_of(false, 1) < 1e-6);
}

}  // namespace cloister::tests
