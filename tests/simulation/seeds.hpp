#pragma once
/// The runs of a simulation by number: one again with its log (CLOISTER_SEED), or as many as asked for (CLOISTER_SEEDS)
/// on all cores.

#include <algorithm>
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <cstdlib>
#include <format>
#include <iostream>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace cloister::simulation {

inline std::optional<std::uint64_t> number_from(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? std::nullopt : std::optional{std::strtoull(text, nullptr, 10)};
}

inline std::uint64_t seeds_wanted() { return number_from("CLOISTER_SEEDS").value_or(1000); }

/// Whether a single seed was asked for; then it was run, its log printed, its outcome checked.
template <class Run>
bool repeated_one(Run run) {
  const auto seed = number_from("CLOISTER_SEED");
  if (!seed) return false;
  const auto outcome = run(*seed);
  for (const auto& line : outcome.log) std::cout << line << '\n';
  INFO("seed " << *seed << ": " << outcome.failure);
  REQUIRE(outcome.failure.empty());
  return true;
}

/// The seeds below `seeds`; `judge(seed, outcome)`, one at a time, may end it early with false.
template <class Run, class Judge>
void run_all(std::uint64_t seeds, Run run, Judge judge) {
  std::atomic<std::uint64_t> next = 0;
  std::atomic<bool> stop = false;
  std::mutex mutex;
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i) {
    threads.emplace_back([&] {
      for (auto seed = next++; seed < seeds && !stop; seed = next++) {
        const auto outcome = run(seed);
        const std::lock_guard lock{mutex};
        if (!judge(seed, outcome)) stop = true;
      }
    });
  }
}

inline std::string how_to_repeat(std::uint64_t seed, const std::string& failure) {
  return std::format("seed {}: {}; repeat with CLOISTER_SEED={}", seed, failure, seed);
}

}  // namespace cloister::simulation
