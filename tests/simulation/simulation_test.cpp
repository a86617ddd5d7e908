// The short forms of the simulation: some hundred seeds at each speed (CLOISTER_SEEDS=N for more), and whether a seed
// repeats. cloister-simulate has the long forms.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <iostream>
#include <thread>

#include "tests/simulation/campaign.hpp"
#include "tests/simulation/seeds_wanted.hpp"

namespace cloister::simulation {
namespace {

constexpr std::uint64_t memory_put_back = 16;
constexpr std::uint64_t three_boxes = 29;

Totals hold(Speed speed, std::uint64_t seeds) {
  const Campaign campaign{.seeds = seeds,
                          .speed = speed,
                          .bugs = {},
                          .only = {},
                          .threads = std::max(1U, std::thread::hardware_concurrency())};
  const auto totals = run_all(campaign);
  std::cout << name_of(speed) << " speed: " << totals.runs << " runs, " << totals.runs_per_second_of_a_core()
            << " a second of a core\n";
  for (const auto& [seed, failure] : totals.failures)
    UNSCOPED_INFO("seed " << seed << ": " << failure << "; see " << how_to_repeat(seed, campaign));
  if (!totals.failures.empty()) {
    for (const auto& line : repeat(totals.failures.begin()->first, campaign).trace) UNSCOPED_INFO(line);
  }
  CHECK(totals.failures.empty());
  CHECK(totals.runs == seeds);
  return totals;
}

TEST_CASE("Store and session speed: through every fault no bit is used twice, keys are equal, and the link comes back",
          "[simulation]") {
  const auto seeds = std::max<std::uint64_t>(500, 5 * seeds_wanted());
  const auto totals = hold(Speed::store, seeds);
  CHECK(totals.blocks > 5 * seeds);
  CHECK(totals.blocks_computational > seeds / 2);
  CHECK(totals.sealed_resumptions > seeds / 3);
  CHECK(totals.turned_back > seeds / 4);
  CHECK(totals.memories_restored > seeds / 40);
  CHECK(totals.three_boxes > seeds / 32);
  CHECK(totals.forgeries > seeds / 2);
  CHECK(totals.with_fault.size() == Faults{}.size());
  CHECK(totals.with_bootstrap.size() == static_cast<std::size_t>(Bootstrap::end));
}

TEST_CASE("Full-chain speed: the same with real distillation of 1e5 bits a block", "[simulation]") {
  const auto seeds = std::max<std::uint64_t>(5, seeds_wanted() / 20);
  const auto totals = hold(Speed::chain, seeds);
  CHECK(totals.blocks > 2 * seeds);
}

TEST_CASE("A seed of the simulation replays exactly", "[simulation]") {
  for (const auto speed : {Speed::store, Speed::chain}) {
    for (const std::uint64_t seed : {0UL, 1UL, 2UL, 59UL, memory_put_back, three_boxes}) {
      INFO("seed " << seed << ", " << name_of(speed) << " speed");
      const auto first = run({.seed = seed, .speed = speed, .bugs = {}, .only = {}, .trace = true});
      const auto second = run({.seed = seed, .speed = speed, .bugs = {}, .only = {}, .trace = true});
      CHECK(first.digest == second.digest);
      CHECK(first.trace == second.trace);
      CHECK(first.trace.size() > 5);
    }
  }
}

}  // namespace
}  // namespace cloister::simulation
