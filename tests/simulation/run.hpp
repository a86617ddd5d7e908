#pragma once
/// One run: two boxes, or one with a link to each of two others; the faults that its seed draws, and after them the calm
/// in which all links must come back.

#include <cstdint>
#include <string>
#include <vector>

#include "tests/simulation/bootstraps.hpp"
#include "tests/simulation/faults.hpp"
#include "tests/simulation/planted_bugs.hpp"
#include "tests/simulation/speed.hpp"

namespace cloister::simulation {

struct RunSettings {
  std::uint64_t seed = 0;
  Speed speed = Speed::store;
  Bugs bugs;
  /// Outside of the claim: both TPMs may be put back.
  bool both_tpms = false;
  /// Of what is broken only this ("I9"); the run goes on through all else.
  std::string only;
  bool trace = false;
};

/// What happened in a run, or in many.
struct Counts {
  std::uint64_t events = 0;
  std::uint64_t blocks = 0;                // held, by both boxes
  std::uint64_t blocks_computational = 0;  // of them
  std::uint64_t packets = 0;
  std::uint64_t tags = 0;
  std::uint64_t crashes = 0;
  std::uint64_t bootstraps = 0;
  std::uint64_t allowances = 0;  // by an operator
  std::uint64_t sealed_resumptions = 0;
  std::uint64_t forgeries = 0;
  std::uint64_t turned_back = 0;
  std::uint64_t memories_restored = 0;
  std::uint64_t three_boxes = 0;  // runs of them
  std::uint64_t alarms = 0;

  void add(const Counts& other);
};

struct Outcome : Counts {
  std::uint64_t seed = 0;
  std::string failure;  // empty when all held; else it begins with the invariant's name
  Faults faults;
  Bootstrap bootstrap{};
  std::uint64_t digest = 0;
  double recovery_seconds = 0;  // from the end of the trouble
  std::vector<std::string> trace;
};

[[nodiscard]] Outcome run(const RunSettings& settings);

}  // namespace cloister::simulation
