/// cloister-simulate: two boxes with the real engines under a virtual clock, a run for each seed.

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <format>
#include <string>
#include <thread>
#include <vector>

#include "crypto/secret.hpp"
#include "tests/simulation/campaign.hpp"

namespace {

using namespace cloister::simulation;
using namespace std::chrono_literals;

constexpr std::size_t failures_shown_max = 10;
constexpr auto progress_interval = 5s;

struct Arguments {
  std::uint64_t start = 0;
  std::uint64_t seeds = 1000;
  std::string speed = "store";
  std::vector<std::string> plant;
  std::optional<std::uint64_t> trace;
  unsigned threads = 1;
  bool both_tpms = false;
  std::string only;
  bool json = false;
};

void print(const std::string& text) { std::fputs(text.c_str(), stdout); }

int trace(std::uint64_t seed, const Campaign& campaign) {
  const auto outcome = repeat(seed, campaign);
  for (const auto& line : outcome.trace) print(line + '\n');
  print(std::format("seed {}, {} speed, {} events, digest {:016x}: {}\n", outcome.seed, name_of(campaign.speed),
                    outcome.events, outcome.digest, outcome.failure.empty() ? "all invariants hold" : outcome.failure));
  return outcome.failure.empty() ? 0 : 1;
}

void print_text(const Totals& totals, const Campaign& campaign) {
  print(std::format("{} speed: {} runs in {:.1f} s, {:.1f} a second of a core\n", name_of(campaign.speed), totals.runs,
                    totals.seconds, totals.runs_per_second_of_a_core()));
  if (campaign.bugs.any()) print(std::format("planted: {}\n", names_of(campaign.bugs)));
  print(std::format("work: {} blocks held, {} of them authenticated computationally, {} packets, {} tags, {} events\n",
                    totals.blocks, totals.blocks_computational, totals.packets, totals.tags, totals.events));
  print(std::format(
      "boxes: {} crashes, {} starts on the sealed reserve, {} bootstraps, {} allowed by an operator, {} times "
      "put back, {} memories, {} alarms\n",
      totals.crashes, totals.sealed_resumptions, totals.bootstraps, totals.allowances, totals.turned_back,
      totals.memories_restored, totals.alarms));
  print(std::format("faults: {} forgeries; runs with", totals.forgeries));
  for (const auto& [fault, runs] : totals.with_fault) print(std::format(" {} {},", name_of(fault), runs));
  print(std::format(" calm {}; {} runs of three boxes\n", totals.calm_runs, totals.three_boxes));
  std::string bootstraps;
  for (const auto& [kind, runs] : totals.with_bootstrap)
    bootstraps += std::format("{} {} {}", bootstraps.empty() ? "" : ",", name_of(kind), runs);
  print(std::format("bootstraps:{}\n", bootstraps));
  print(std::format("longest way back after the trouble: {:.1f} s\n", totals.recovery_seconds_most));
  if (totals.failures.empty()) return print("all invariants hold\n");
  print(std::format("{} runs failed\n", totals.failures.size()));
  std::size_t shown = 0;
  for (const auto& [seed, failure] : totals.failures) {
    if (++shown > failures_shown_max) break;
    print(std::format("seed {}: {}; see {}\n", seed, failure, how_to_repeat(seed, campaign)));
  }
}

void print_json(const Totals& totals, const Campaign& campaign) {
  boost::json::object faults;
  for (const auto& [fault, runs] : totals.with_fault) faults[name_of(fault)] = runs;
  boost::json::object bootstraps;
  for (const auto& [kind, runs] : totals.with_bootstrap) bootstraps[name_of(kind)] = runs;
  boost::json::array failures;
  for (const auto& [seed, failure] : totals.failures)
    failures.push_back({{"seed", seed}, {"failure", failure}, {"repeat", how_to_repeat(seed, campaign)}});
  const boost::json::object report{{"speed", name_of(campaign.speed)},
                                   {"runs", totals.runs},
                                   {"seconds", totals.seconds},
                                   {"runs_per_second_of_a_core", totals.runs_per_second_of_a_core()},
                                   {"planted", names_of(campaign.bugs)},
                                   {"blocks", totals.blocks},
                                   {"blocks_computational", totals.blocks_computational},
                                   {"packets", totals.packets},
                                   {"tags", totals.tags},
                                   {"events", totals.events},
                                   {"crashes", totals.crashes},
                                   {"sealed_resumptions", totals.sealed_resumptions},
                                   {"bootstraps", totals.bootstraps},
                                   {"allowances", totals.allowances},
                                   {"turned_back", totals.turned_back},
                                   {"memories_restored", totals.memories_restored},
                                   {"three_boxes", totals.three_boxes},
                                   {"forgeries", totals.forgeries},
                                   {"alarms", totals.alarms},
                                   {"recovery_seconds_most", totals.recovery_seconds_most},
                                   {"calm_runs", totals.calm_runs},
                                   {"runs_with_fault", faults},
                                   {"runs_with_bootstrap", bootstraps},
                                   {"failures", failures},
                                   {"all_hold", totals.failures.empty()}};
  print(boost::json::serialize(report) + '\n');
}

int simulate(Campaign campaign, bool json) {
  auto told = std::chrono::steady_clock::now();
  campaign.on_run = [&told, seeds = campaign.seeds](const Totals& so_far, const Outcome&) {
    const auto now = std::chrono::steady_clock::now();
    if (now - told < progress_interval) return true;
    told = now;
    std::fputs(std::format("cloister-simulate: {} of {} runs, {} failed\n", so_far.runs, seeds, so_far.failures.size())
                   .c_str(),
               stderr);
    return true;
  };
  const auto totals = run_all(campaign);
  if (json)
    print_json(totals, campaign);
  else
    print_text(totals, campaign);
  if (totals.failures.empty()) return 0;
  return json ? 1 : trace(totals.failures.begin()->first, campaign);
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{
      "Runs two boxes with the product's engines under a virtual clock, with faults drawn from a seed, and holds "
      "them to their invariants. Exit status 0 only if all hold in every run.",
      "cloister-simulate"};
  app.add_option("--start", arguments.start, "The first seed")->capture_default_str();
  app.add_option("--seeds", arguments.seeds, "How many")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--speed", arguments.speed,
                 "store: real sessions, keys and tunnels, toy distillation; chain: with all real stages")
      ->capture_default_str()
      ->check(CLI::IsMember({"store", "chain"}));
  app.add_option("--trace", arguments.trace, "Run this one seed and print what happens");
  app.add_option("--plant", arguments.plant, "Put a known mistake into the engines; may be repeated");
  app.add_option("--threads", arguments.threads, "Runs at a time")
      ->capture_default_str()
      ->check(CLI::Range(1U, std::max(1U, std::thread::hardware_concurrency())));
  app.add_flag("--both-tpms", arguments.both_tpms, "Both boxes' TPMs may be put back, which is outside of the claim");
  app.add_option("--only", arguments.only, "Of what is broken only this, by its beginning: I9");
  app.add_flag("--json", arguments.json, "The report as one JSON object");
  CLI11_PARSE(app, argc, argv);

  Bugs bugs;
  for (const auto& name : arguments.plant) {
    const auto bug = find_bug(name);
    if (!bug) {
      std::fputs(
          std::format("cloister-simulate: no mistake is called '{}'; there are: {}\n", name, names_of(~Bugs{})).c_str(),
          stderr);
      return 2;
    }
    bugs.set(static_cast<std::size_t>(*bug));
  }
  const Campaign campaign{.start = arguments.start,
                          .seeds = arguments.seeds,
                          .speed = *find_speed(arguments.speed),
                          .bugs = bugs,
                          .both_tpms = arguments.both_tpms,
                          .only = arguments.only,
                          .threads = arguments.threads};
  return arguments.trace ? trace(*arguments.trace, campaign) : simulate(campaign, arguments.json);
}
