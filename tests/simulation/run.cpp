#include "tests/simulation/run.hpp"

#include <algorithm>
#include <array>
#include <format>
#include <memory>
#include <random>
#include <vector>

#include "tests/simulation/seeded_openssl.hpp"
#include "tests/simulation/stage.hpp"
#include "tests/simulation/trouble.hpp"

namespace cloister::simulation {
using namespace std::chrono_literals;
namespace {

constexpr auto trouble_lasts = 3s;
/// The longest back-off, a bootstrap that stalls, the silence that ends a session; then blocks.
constexpr auto patience = 75s;
constexpr std::uint64_t blocks_least = 1;

/// One box in four waits for its operator.
session::BootstrapAgain draw_policy(VirtualWorld& world) {
  return world.below(4) == 0 ? session::BootstrapAgain::by_operator : session::BootstrapAgain::automatic;
}

/// Of its own stream, so that what else a seed brings does not depend on it: half of them go on with derived tags only when
/// the reserve is low.
session::Policy draw_reserve_policy(std::uint64_t seed) {
  using session::Policy;
  return std::array{Policy::its_preferred, Policy::its_only, Policy::its_preferred,
                    Policy::computational}[std::mt19937_64{seed}() % 4];
}

/// The same way.
vpn::WhenKeysRunOut draw_stopgap(std::uint64_t seed) {
  using vpn::WhenKeysRunOut;
  return std::array{WhenKeysRunOut::block, WhenKeysRunOut::extend,
                    WhenKeysRunOut::exchange}[std::mt19937_64{seed + 1}() % 3];
}

/// The same way: one tunnel in four, where blocks are paid for at all.
std::uint64_t draw_pad_bytes(std::uint64_t seed) {
  const bool may = draw_reserve_policy(seed) != session::Policy::computational;
  return may && std::mt19937_64{seed + 2}() % 4 == 0 ? 8192 : 0;
}

/// The same way: on both boxes, not alike, in one run of four.
std::array<std::chrono::milliseconds, 2> draw_quarantine(std::uint64_t seed) {
  std::mt19937_64 draw{seed + 3};
  if (draw() % 4 != 0) return {};
  const std::array lengths{0ms, 200ms, 600ms};
  return {lengths[draw() % 3], lengths[draw() % 3]};
}

Scale draw_scale(VirtualWorld& world, std::uint64_t seed) {
  return {.reserve_bits = std::array{512UL, 1024UL, 2048UL}[world.below(3)],
          .stock_keys_max = std::array{1U, 2U, 8U}[world.below(3)],
          .rekey_interval = std::array{1000ms, 3000ms, 3'600'000ms}[world.below(3)],
          .hybrid = world.below(32) == 0,
          .sealed = {.chunks = static_cast<std::uint32_t>(2 + world.below(3)),
                     .pads = static_cast<std::uint32_t>(1 + world.below(2))},
          .leases_at_once = std::array{2U, 16U}[world.below(2)],
          .bootstrap_again = {draw_policy(world), draw_policy(world)},
          .policy = draw_reserve_policy(seed),
          .when_keys_run_out = draw_stopgap(seed),
          .pad_bytes = draw_pad_bytes(seed),
          .quarantine = draw_quarantine(seed)};
}

bool has_three_boxes(std::uint64_t seed, Speed speed) {
  constexpr std::uint64_t stream = 0x9E3779B97F4A7C15U;
  return speed == Speed::store && std::mt19937_64{seed ^ stream}() % 16 == 0;
}

using Links = std::vector<std::unique_ptr<Stage>>;

Links make_links(VirtualWorld& world, const RunSettings& settings, Bootstrap bootstrap) {
  const auto scale = draw_scale(world, settings.seed);
  Links links;
  links.push_back(std::make_unique<Stage>(world, settings.speed, settings.seed, bootstrap, scale));
  if (!has_three_boxes(settings.seed, settings.speed)) return links;
  links.push_back(
      std::make_unique<Stage>(world, settings.speed, ~settings.seed, bootstrap, scale, Names{"alice", "carol"}));
  links[0]->witness.watch_beside(links[1]->witness);
  links[1]->witness.watch_beside(links[0]->witness);
  return links;
}

class Run {
 public:
  explicit Run(const RunSettings& settings)
      : world_{settings.seed},
        faults_{draw_faults(world_, settings.seed, settings.speed)},
        bootstrap_{draw_bootstrap(world_, settings.speed)},
        links_{make_links(world_, settings, bootstrap_)},
        trouble_{world_,
                 links_,
                 {.faults = faults_,
                  .lasts = trouble_lasts,
                  .both_tpms = settings.both_tpms,
                  .restarts_served = std::min(scale().sealed.chunks, scale().leases_at_once)}} {
    for (const auto& link : links_) link->witness.care_only_for(settings.only);
    if (settings.trace) world_.trace_from_now_on();
  }

  void go() {
    world_.say("run", "bootstrap: {}; authentication: {}; tunnel under {}; faults: {}", name_of(bootstrap_),
               to_string(scale().policy), scale().pad_bytes > 0 ? "one-time pads" : "keys", names_of(faults_));
    const bool met_before = world_.below(4) != 0;
    for (const auto& link : links_) {
      for (std::size_t i = 0; i < 2; ++i)
        if (scale().bootstrap_again[i] == session::BootstrapAgain::by_operator)
          world_.say("run", "{} bootstraps again when its operator allows it", link->names[i]);
      if (met_before) link->provide_sealed_reserve();
    }
    for (const auto& link : links_) link->begin();
    trouble_.plan();
    world_.run_for(trouble_lasts);
    trouble_.end();
    recover();
  }

  Outcome outcome(std::uint64_t seed) {
    Outcome outcome;
    outcome.seed = seed;
    outcome.faults = faults_;
    outcome.bootstrap = bootstrap_;
    outcome.digest = world_.digest();
    outcome.events = world_.events();
    outcome.turned_back = trouble_.turned_back();
    outcome.memories_restored = trouble_.memories_restored();
    outcome.three_boxes = links_.size() - 1;
    outcome.recovery_seconds = recovery_seconds_;
    for (const auto& link : links_) {
      outcome.tags += link->witness.tags();
      outcome.forgeries += link->network.forgeries();
      for (auto& box : link->boxes) {
        outcome.blocks += box.blocks_held();
        outcome.packets += box.traffic().received.size();
        outcome.crashes += box.crashes();
        outcome.bootstraps += box.bootstraps();
        outcome.allowances += box.allowances();
        outcome.sealed_resumptions += box.sealed_resumptions();
        outcome.blocks_computational += box.blocks_computational();
        outcome.alarms += box.alarms();
        box.crash(Crash::process);
        box.drop_snapshot();
      }
    }
    for (const auto& link : links_) {
      link->witness.look_at_what_is_left();
      if (outcome.failure.empty()) outcome.failure = link->witness.failure();
    }
    outcome.trace = world_.trace();
    return outcome;
  }

 private:
  [[nodiscard]] const Scale& scale() const { return links_.front()->scale; }
  [[nodiscard]] bool settled() const {
    return std::ranges::all_of(links_,
                               [](const auto& link) { return link->boxes[0].settled() && link->boxes[1].settled(); });
  }

  /// What AUTHENTICATION_LOWERED asks of an operator where pads are all there is: no key but a paid block's is one.
  void restart_lowered() {
    for (const auto& link : links_) {
      if (link->scale.pad_bytes == 0) continue;
      for (auto& box : link->boxes) {
        if (!box.lowered()) continue;
        world_.say("run", "an operator restarts a box whose authentication is lowered");
        box.crash(Crash::process);
        box.start();
      }
    }
  }

  void recover() {
    const auto since = world_.now();
    bool good = false;
    bool asked = false;
    while (!world_.stopped() && !good && world_.now() < since + patience) {
      if (!asked && world_.now() >= since + patience / 3) {
        asked = true;
        restart_lowered();
      }
      if (settled())
        good = std::ranges::all_of(links_, [](const auto& link) { return link->delivers(); });
      else
        world_.run_for(100ms);
    }
    recovery_seconds_ = std::chrono::duration<double>(world_.now() - since).count();
    if (world_.stopped()) return;
    for (const auto& link : links_) {
      const auto& boxes = link->boxes;
      if (!good)
        link->witness.broken(std::format("I8: the link does not come back: sessions {} and {}, tunnels {} and {}",
                                         boxes[0].link().session_status().state, boxes[1].link().session_status().state,
                                         boxes[0].tunnel().state, boxes[1].tunnel().state));
      for (const auto& box : boxes) {
        if (box.blocks_held() < blocks_least || box.traffic().received.empty())
          link->witness.broken("I8: no work was done");
      }
    }
  }

  VirtualWorld world_;
  Faults faults_;
  Bootstrap bootstrap_;
  Links links_;
  Trouble trouble_;
  double recovery_seconds_ = 0;
};

}  // namespace

Outcome run(const RunSettings& settings) {
  const SeededOpenssl repeatable{settings.seed};
  plant(settings.bugs);
  Outcome outcome;
  {
    Run one{settings};
    one.go();
    outcome = one.outcome(settings.seed);
  }
  plant({});
  return outcome;
}

}  // namespace cloister::simulation
