#include "tests/simulation/campaign.hpp"

#include <algorithm>
#include <atomic>
#include <ctime>
#include <format>
#include <mutex>
#include <thread>

namespace cloister::simulation {

void Counts::add(const Counts& other) {
  events += other.events;
  blocks += other.blocks;
  blocks_computational += other.blocks_computational;
  packets += other.packets;
  tags += other.tags;
  crashes += other.crashes;
  bootstraps += other.bootstraps;
  allowances += other.allowances;
  sealed_resumptions += other.sealed_resumptions;
  forgeries += other.forgeries;
  turned_back += other.turned_back;
  memories_restored += other.memories_restored;
  three_boxes += other.three_boxes;
  alarms += other.alarms;
}

void Totals::add(const Outcome& outcome) {
  Counts::add(outcome);
  ++runs;
  calm_runs += outcome.faults.none() ? 1U : 0U;
  recovery_seconds_most = std::max(recovery_seconds_most, outcome.recovery_seconds);
  for (std::size_t i = 0; i < outcome.faults.size(); ++i)
    if (outcome.faults.test(i)) ++with_fault[static_cast<Fault>(i)];
  ++with_bootstrap[outcome.bootstrap];
  if (!outcome.failure.empty()) failures.emplace(outcome.seed, outcome.failure);
}

Totals run_all(const Campaign& campaign) {
  const auto begun = std::chrono::steady_clock::now();
  std::atomic<std::uint64_t> next = campaign.start;
  std::atomic<bool> stop = false;
  std::mutex mutex;
  Totals totals;
  const auto processor_begun = std::clock();
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < campaign.threads; ++i) {
      threads.emplace_back([&] {
        for (auto seed = next++; seed < campaign.start + campaign.seeds && !stop; seed = next++) {
          const auto outcome = run({.seed = seed,
                                    .speed = campaign.speed,
                                    .bugs = campaign.bugs,
                                    .both_tpms = campaign.both_tpms,
                                    .only = campaign.only});
          const std::lock_guard lock{mutex};
          totals.add(outcome);
          totals.processor_seconds = static_cast<double>(std::clock() - processor_begun) / CLOCKS_PER_SEC;
          totals.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
          if (!campaign.on_run(totals, outcome)) stop = true;
        }
      });
    }
  }
  return totals;
}

Outcome repeat(std::uint64_t seed, const Campaign& campaign) {
  return run({.seed = seed,
              .speed = campaign.speed,
              .bugs = campaign.bugs,
              .both_tpms = campaign.both_tpms,
              .only = campaign.only,
              .trace = true});
}

std::string how_to_repeat(std::uint64_t seed, const Campaign& campaign) {
  std::string command = std::format("cloister-simulate --speed {} --trace {}", name_of(campaign.speed), seed);
  for (std::size_t i = 0; i < campaign.bugs.size(); ++i)
    if (campaign.bugs.test(i)) command += std::format(" --plant {}", name_of(static_cast<PlantedBug>(i)));
  if (campaign.both_tpms) command += " --both-tpms";
  if (!campaign.only.empty()) command += " --only " + campaign.only;
  return command;
}

}  // namespace cloister::simulation
