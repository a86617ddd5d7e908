// The gate's times and the source's intensities against their closed forms, as in effects_test.cpp.
#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include "tests/unit/hal/observed_link.hpp"

namespace cloister::tests {
namespace {

using hal::Basis;
using hal::fibre::LinkParameters;

double normal_below(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

}  // namespace

TEST_CASE("gates that are apart see light that is shifted unevenly") {
  check_effect([](bool with, std::uint64_t seed) {
    constexpr std::uint64_t slots = 400'000;
    constexpr double width = 150e-12;
    constexpr double apart = 200e-12;
    constexpr double jitter = 80e-12;
    constexpr double shift = 100e-12;
    const LinkParameters link{
        .length_km = 0,
        .efficiency = 0.5,
        .dark_count_probability = 0,
        .misalignment = 0,
        .gate = {.width_seconds = width, .apart_seconds = with ? apart : 0, .jitter_seconds = jitter}};
    const hal::fibre::Disturbance shifted{.eve = hal::fibre::TimeShift{.fraction = 1, .shift_seconds = shift}};
    std::array<std::uint64_t, 2> found{};
    for (const auto& [sent, click] : observe(link, slots, seed, shifted))
      if (click.basis == sent.basis && sent.intensity == 0) ++found[click.bit];
    // Both detectors see as much of light that comes from either side as often; one that comes at zero sees the mean.
    const double spread = std::sqrt(width * width + jitter * jitter);
    const auto seen = [&](double off) { return width / spread * std::exp(-off * off / (2 * spread * spread)); };
    const double near = seen(shift - apart / 2);
    const double far = seen(shift + apart / 2);
    const double loss = std::min(1.0, 2 * seen(apart / 2) / (near + far));
    const double mean = settings.intensities[0] * link.efficiency * loss;
    const double share = settings.probabilities[0] * 0.68 / 2;
    const double one = share * (2 - std::exp(-mean * near) - std::exp(-mean * far)) / 2;
    return chi_squared_p(found, std::array{one, one}, slots);
  });
}

TEST_CASE("light is seen when the gate and the jitter say") {
  check_effect([](bool with, std::uint64_t seed) {
    constexpr std::uint64_t slots = 400'000;
    constexpr double width = 150e-12;
    constexpr double apart = 100e-12;
    constexpr double jitter = 80e-12;
    const LinkParameters link{
        .length_km = 0,
        .efficiency = 0.5,
        .dark_count_probability = 0,
        .gate = {.width_seconds = width, .apart_seconds = apart, .jitter_seconds = with ? jitter : 1e-12}};
    hal::fibre::Link light{link, settings, light_of(seed), seed};
    std::vector<std::uint32_t> packed;
    light.run(epoch, 0, slots, packed);
    const auto& arrivals = light.receiver_readings()->arrivals;
    // Of detector 1: a product of two Gaussians; the histogram reaches four widths and half of the gates' distance to each side.
    const double variance = width * width * jitter * jitter / (width * width + jitter * jitter);
    const double mean = apart / 2 * jitter * jitter / (width * width + jitter * jitter);
    const double reach = 4 * width + apart / 2;
    std::array<std::uint64_t, 16> found{};
    std::array<double, 16> probability{};
    for (std::size_t i = 0; i < found.size(); ++i) {
      const std::size_t bin = 24 + i;
      found[i] = arrivals->clicks[1][bin];
      const auto below = [&](std::size_t edge) {
        return normal_below((reach * (2.0 * static_cast<double>(edge) / 64 - 1) - mean) / std::sqrt(variance));
      };
      probability[i] = below(bin + 1) - below(bin);
    }
    double all = 0;
    for (const auto count : arrivals->clicks[1]) all += count;
    return chi_squared_p(found, probability, all);
  });
}

TEST_CASE("a modulator of finite extinction leaves light in what should be dark") {
  check_effect([](bool with, std::uint64_t seed) {
    constexpr std::uint64_t slots = 400'000;
    constexpr double extinction_db = 6;
    const LinkParameters link{
        .length_km = 0, .efficiency = 0.5, .dark_count_probability = 1e-4, .extinction_db = with ? extinction_db : 0};
    std::array<std::uint64_t, 2> found{};
    for (const auto& seen : observe(link, slots, seed)) ++found[seen.sent.intensity];
    const std::array mean{settings.intensities[0], settings.intensities[0] * std::pow(10, -0.6)};  // not 0.1 but 0.126
    std::array<double, 2> probability{};
    for (const std::size_t k : {0U, 1U})
      probability[k] = settings.probabilities[k] * (1 - (1 - 1e-4) * (1 - 1e-4) * std::exp(-mean[k] * link.efficiency));
    return chi_squared_p(found, probability, slots);
  });
}

TEST_CASE("a pulse is brighter behind a bright one") {
  check_effect([](bool with, std::uint64_t seed) {
    constexpr std::uint64_t slots = 400'000;
    constexpr double pattern = 0.2;
    const LinkParameters link{
        .length_km = 0, .efficiency = 0.5, .dark_count_probability = 0, .pattern_effect = with ? pattern : 0};
    std::array<std::uint64_t, 4> found{};  // by the intensity before, and the pulse's own
    const auto generator = light_of(seed);
    for (const auto& seen : observe(link, slots, seed)) {
      const hal::Slot slot_before = seen.click.slot > 0 ? seen.click.slot - 1 : 0;
      hal::Symbol before{};
      generator.symbols(epoch, {&slot_before, 1}, {&before, 1});
      ++found[2U * before.intensity + seen.sent.intensity];
    }
    std::array<double, 4> probability{};
    for (const std::size_t before : {0U, 1U})
      for (const std::size_t k : {0U, 1U}) {
        const double mean = (1 - pattern) * settings.intensities[k] + pattern * settings.intensities[before];
        probability[2 * before + k] =
            settings.probabilities[before] * settings.probabilities[k] * (1 - std::exp(-mean * link.efficiency));
      }
    return chi_squared_p(found, probability, slots);
  });
}

TEST_CASE("a polarisation that drifts makes as many errors as its deviation says") {
  check_effect([](bool with, std::uint64_t seed) {
    constexpr double deviation = 0.3;
    // At 1 MHz it forgets itself from one run to the next, so that each has an angle of its own; one click of each is looked at.
    constexpr int runs = 4000;
    constexpr std::uint64_t run_slots = 60;
    const LinkParameters link{.length_km = 0,
                              .efficiency = 0.1,
                              .dark_count_probability = 0,
                              .misalignment = 0.01,
                              .drift_radians = with ? deviation : 0,
                              .drift_time_seconds = 1e-6};
    hal::simulator::SourceSettings slow = settings;
    slow.clock_hz = 1e6;
    hal::fibre::Link light{link, slow, light_of(seed), seed};
    const auto generator = light_of(seed);
    std::vector<std::uint32_t> packed;
    std::array<std::uint64_t, 1> wrong{};
    double all = 0;
    for (hal::Slot first = 0; first < runs * run_slots; first += run_slots) {
      light.run(epoch, first, run_slots, packed);
      for (const auto click : packed) {
        const hal::Slot slot = first + (click >> 3U);
        hal::Symbol sent{};
        generator.symbols(epoch, {&slot, 1}, {&sent, 1});
        if (static_cast<Basis>(click >> 2 & 1U) != sent.basis) continue;
        wrong[0] += (click >> 1 & 1U) != sent.bit ? 1 : 0;
        ++all;
        break;
      }
    }
    // A coin decides a double click, which makes the rate of errors e + (1 - 2e)(1 - e^(-2σ²)) / 2 but for terms of λ² = 0.0025.
    const double expected = 0.01 + 0.98 * (1 - std::exp(-2 * deviation * deviation)) / 2;
    return chi_squared_p(wrong, std::array{expected}, all);
  });
}

}  // namespace cloister::tests
