#pragma once
/// Many runs, by number, and what they came to together.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/simulation/run.hpp"

namespace cloister::simulation {

struct Totals : Counts {
  std::uint64_t runs = 0;
  std::uint64_t calm_runs = 0;
  double recovery_seconds_most = 0;
  std::map<Fault, std::uint64_t> with_fault;          // runs
  std::map<Bootstrap, std::uint64_t> with_bootstrap;  // runs
  double seconds = 0;
  double processor_seconds = 0;  // of all threads
  /// By seed; those that failed.
  std::map<std::uint64_t, std::string> failures;

  void add(const Outcome& outcome);
  /// Whatever else the machine does.
  [[nodiscard]] double runs_per_second_of_a_core() const { return static_cast<double>(runs) / processor_seconds; }
};

struct Campaign {
  std::uint64_t start = 0;
  std::uint64_t seeds = 1000;
  Speed speed = Speed::store;
  Bugs bugs;
  bool both_tpms = false;
  std::string only;
  unsigned threads = 1;
  /// One at a time, after each run; false ends the campaign.
  std::function<bool(const Totals&, const Outcome&)> on_run = [](const Totals&, const Outcome&) { return true; };
};

[[nodiscard]] Totals run_all(const Campaign& campaign);

/// One of the runs again, with its trace.
[[nodiscard]] Outcome repeat(std::uint64_t seed, const Campaign& campaign);
/// How to see one of the runs again.
[[nodiscard]] std::string how_to_repeat(std::uint64_t seed, const Campaign& campaign);

}  // namespace cloister::simulation
