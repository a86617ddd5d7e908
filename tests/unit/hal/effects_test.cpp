// Each effect against its closed form: over 100 seeds every p-value is above 1e-6 and all together are uniform; with the
// effect switched off the same test fails.
#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "tests/unit/hal/observed_link.hpp"

namespace {

using namespace cloister;
using cloister::tests::check_effect;
using cloister::tests::observe;
using cloister::tests::settings;
using hal::fibre::LinkParameters;

}  // namespace

TEST_CASE("insertion loss lowers each intensity's gain as the closed form says") {
  check_effect([](bool with, std::uint64_t seed) {
    constexpr std::uint64_t slots = 400'000;
    constexpr double loss_db = 1;
    const LinkParameters link{.length_km = 10,
                              .attenuation_db_per_km = 0.2,
                              .insertion_loss_db = with ? loss_db : 0,
                              .efficiency = 0.2,
                              .dark_count_probability = 1e-4};
    std::array<std::uint64_t, 2> found{};
    for (const auto& seen : observe(link, slots, seed)) ++found[seen.sent.intensity];
    const double reaches = 0.2 * std::pow(10, -0.1 * (10 * 0.2 + loss_db));
    std::array<double, 2> probability{};
    for (const std::size_t k : {0U, 1U})
      probability[k] = settings.probabilities[k] * (1 - std::pow(1 - link.dark_count_probability, 2) *
                                                            std::exp(-reaches * settings.intensities[k]));
    return tests::chi_squared_p(found, probability, slots);
  });
}

TEST_CASE("a detector of lower efficiency clicks less often, for its own bit and for the other") {
  check_effect([](bool with, std::uint64_t seed) {
    constexpr std::uint64_t slots = 400'000;
    constexpr double ratio = 0.8;
    const LinkParameters link{.length_km = 0,
                              .efficiency = 0.5,
                              .efficiency_ratio = with ? ratio : 1,
                              .dark_count_probability = 1e-4,
                              .misalignment = 0.05};
    // By the pulse's bit, in its own basis: only detector 0, only detector 1, both.
    std::array<std::uint64_t, 6> found{};
    for (const auto& [sent, click] : observe(link, slots, seed))
      if (click.basis == sent.basis) ++found[3U * sent.bit + (click.double_click ? 2U : click.bit)];
    const double same_basis = 0.8 * 0.8 + 0.2 * 0.2;
    std::array<double, 6> probability{};
    for (const std::size_t bit : {0U, 1U})
      for (const std::size_t k : {0U, 1U}) {
        const double share = same_basis / 2 * settings.probabilities[k];
        const double light = settings.intensities[k] * link.efficiency;
        const auto misses = [&](double part, double efficiency) {
          return (1 - link.dark_count_probability) * std::exp(-light * part * efficiency);
        };
        const double none_0 = misses(bit == 0 ? 0.95 : 0.05, 1);
        const double none_1 = misses(bit == 1 ? 0.95 : 0.05, ratio);
        probability[3 * bit] += share * (1 - none_0) * none_1;
        probability[3 * bit + 1] += share * none_0 * (1 - none_1);
        probability[3 * bit + 2] += share * (1 - none_0) * (1 - none_1);
      }
    return tests::chi_squared_p(found, probability, slots);
  });
}

namespace {

constexpr double after_pulse = 0.2;
constexpr double lifetime_slots = 100;
constexpr std::uint64_t dead_slots = 20;
/// Dark counts only, and so few that a carrier is all but never still trapped when the next comes.
constexpr double dark = 5e-6;

LinkParameters trapping(bool with) {
  return {.efficiency = 0,
          .dark_count_probability = dark,
          .dead_time_seconds = static_cast<double>(dead_slots) * 1e-9,
          .after_pulse_probability = with ? after_pulse : 0,
          .after_pulse_lifetime_seconds = lifetime_slots * 1e-9};
}

}  // namespace

TEST_CASE("after-pulses follow a click after exponential times, less those that the dead time swallows") {
  check_effect([](bool with, std::uint64_t seed) {
    const auto all = observe(trapping(with), 1'000'000'000, seed);
    constexpr std::array<std::uint64_t, 9> upper{40, 60, 80, 110, 150, 220, 400, 20'000, 100'000};
    std::array<std::uint64_t, 9> found{};
    for (std::size_t i = 1; i < all.size(); ++i) {
      const auto gap = all[i].click.slot - all[i - 1].click.slot;
      const auto cell = std::ranges::lower_bound(upper, gap);
      if (cell != upper.end()) ++found[static_cast<std::size_t>(cell - upper.begin())];
    }
    // P(gap > k): no dark count in k slots less the dead ones, and no carrier set free in them.
    const double any = 1 - (1 - dark) * (1 - dark);
    const auto longer = [&](std::uint64_t k) {
      const auto trapped = [](std::uint64_t slots) { return std::exp(-static_cast<double>(slots) / lifetime_slots); };
      return std::pow(1 - any, static_cast<double>(k - dead_slots)) *
             (1 - after_pulse * (trapped(dead_slots) - trapped(k)));
    };
    std::array<double, 9> probability{};
    double before = 1;
    for (std::size_t i = 0; i < upper.size(); ++i)
      probability[i] = std::exchange(before, longer(upper[i])) - longer(upper[i]);
    return tests::chi_squared_p(found, probability, static_cast<double>(all.size() - 1));
  });
}

TEST_CASE("an after-pulse is in the detector of the click before it") {
  const auto all = observe(trapping(true), 1'000'000'000, 1);
  std::uint64_t soon = 0;
  std::uint64_t same = 0;
  for (std::size_t i = 1; i < all.size(); ++i) {
    const auto& click = all[i].click;
    const auto& before = all[i - 1].click;
    if (click.slot - before.slot > 5 * static_cast<std::uint64_t>(lifetime_slots)) continue;
    ++soon;
    same += click.basis == before.basis && click.bit == before.bit ? 1 : 0;
  }
  REQUIRE(soon > 1000);
  // 1e-5 dark counts a slot over 500 slots: one gap in two hundred is not an after-pulse, of one in six that are short.
  CHECK(static_cast<double>(same) > 0.95 * static_cast<double>(soon));
}
