#include "tests/simulation/run.hpp"

#include <algorithm>
#include <array>
#include <format>

#include "tests/simulation/light.hpp"
#include "tests/simulation/seeded_openssl.hpp"
#include "tests/simulation/simulated_box.hpp"
#include "tests/simulation/trouble.hpp"

namespace cloister::simulation {
using namespace std::chrono_literals;
namespace {

constexpr auto trouble_lasts = 3s;
/// The longest back-off, a bootstrap that stalls, the silence that ends a session; then blocks.
constexpr auto patience = 75s;
constexpr std::uint64_t blocks_least = 1;

/// What differs between runs beside what goes wrong.
struct Scale {
  std::uint64_t reserve_bits;
  std::uint32_t stock_keys_max;
  std::chrono::milliseconds rekey_interval;
  bool hybrid;
  session::SealedLayout sealed;
  std::uint32_t leases_at_once;
};

Scale draw_scale(VirtualWorld& world) {
  return {.reserve_bits = std::array{512UL, 1024UL, 2048UL}[world.below(3)],
          .stock_keys_max = std::array{1U, 2U, 8U}[world.below(3)],
          .rekey_interval = std::array{1000ms, 3000ms, 3'600'000ms}[world.below(3)],
          .hybrid = world.below(32) == 0,
          .sealed = {.chunks = static_cast<std::uint32_t>(2 + world.below(3)),
                     .pads = static_cast<std::uint32_t>(1 + world.below(2))},
          .leases_at_once = std::array{2U, 16U}[world.below(2)]};
}

box::LinkSettings settings_of(std::size_t number, const Scale& scale, const distill::Parameters& parameters) {
  const std::array<std::string, 2> names{"alice", "bob"};
  box::LinkSettings settings{.session = {.link = "line",
                                         .local_box = names[number],
                                         .peer_box = names[1 - number],
                                         .agreement = "block_bits=1\n",
                                         .reserve_bits = scale.reserve_bits,
                                         .sealed = scale.sealed,
                                         .leases_at_once = scale.leases_at_once,
                                         .lease_interval = 1s},
                             .distillation = parameters,
                             .epsilon_budget = 1e6,  // of blocks with so loose an eps_sec
                             .tunnels = {}};
  settings.tunnels.push_back({.rekey = {.tunnel = "office",
                                        .local_box = names[number],
                                        .peer_box = names[1 - number],
                                        .initiator = number == 0,
                                        .hybrid = scale.hybrid,
                                        .rekey_interval = scale.rekey_interval,
                                        .key_lifetime = 3 * scale.rekey_interval},
                              .interface = "none",
                              .stock_keys_max = scale.stock_keys_max});
  return settings;
}

crypto::Psk psk() {
  crypto::Psk psk;
  std::ranges::fill(psk.fill(), std::byte{0x5A});
  return psk;
}

class Run {
 public:
  explicit Run(const RunSettings& settings)
      : world_{settings.seed},
        witness_{world_},
        faults_{draw_faults(world_)},
        scale_{draw_scale(world_)},
        light_{make_light(settings.speed, settings.seed)},
        network_{world_, {}},
        boxes_{box(0, settings.seed), box(1, settings.seed)},
        trouble_{world_,
                 network_,
                 witness_,
                 boxes_,
                 *light_,
                 {.faults = faults_,
                  .lasts = trouble_lasts,
                  .both_tpms = settings.both_tpms,
                  .restarts_served = std::min(scale_.sealed.chunks, scale_.leases_at_once)}} {
    witness_.care_only_for(settings.only);
    if (settings.trace) world_.trace_from_now_on();
    // TLS is half of such a run's time: one in sixteen has it, and each with real distillation.
    if (settings.speed == Speed::store && world_.below(16) != 0) witness_.use_toy_handshake();
    world_.after_each = [this] { look(); };
  }

  void go() {
    world_.say("run", "faults: {}", names_of(faults_));
    if (world_.below(4) != 0) provide_sealed_reserve();
    for (auto& box : boxes_) {
      box.use_vault();
      box.start();
    }
    plan_light();
    plan_packets();
    trouble_.plan();
    world_.run_for(trouble_lasts);
    trouble_.end();
    recover();
  }

  Outcome outcome(std::uint64_t seed) {
    Outcome outcome;
    outcome.seed = seed;
    outcome.faults = faults_;
    outcome.digest = world_.digest();
    outcome.events = world_.events();
    outcome.tags = witness_.tags();
    outcome.forgeries = network_.forgeries();
    outcome.turned_back = trouble_.turned_back();
    outcome.recovery_seconds = recovery_seconds_;
    for (auto& box : boxes_) {
      outcome.blocks += box.blocks_held();
      outcome.packets += box.traffic().received.size();
      outcome.crashes += box.crashes();
      outcome.bootstraps += box.bootstraps();
      outcome.sealed_resumptions += box.sealed_resumptions();
      outcome.alarms += box.alarms();
      box.crash(Crash::process);
    }
    witness_.look_at_what_is_left();
    outcome.failure = witness_.failure();
    outcome.trace = world_.trace();
    return outcome;
  }

 private:
  SimulatedBox box(std::size_t number, std::uint64_t seed) {
    return SimulatedBox{world_,
                        network_,
                        witness_,
                        number,
                        settings_of(number, scale_, light_->parameters()),
                        psk(),
                        4 * seed + 2 * number + 1,
                        [this, number](crypto::Random& random) { return light_->make_chain(number, random); }};
  }

  void look() {
    for (auto& box : boxes_) box.look();
    witness_.look();
    if (!witness_.failure().empty()) world_.stop();
  }

  /// The boxes have met before: what serves restarts is on both disks.
  void provide_sealed_reserve() {
    world_.say("run", "both boxes have a sealed reserve of {} chunks", scale_.sealed.chunks);
    crypto::SecretBits bits{scale_.sealed.bits()};
    for (auto& word : bits.fill())
      word = world_.below(std::uint64_t{1} << 32U) << 32U | world_.below(std::uint64_t{1} << 32U);
    const auto counters = [this](session::Counter of_client, session::Counter of_server) {
      return std::array{boxes_[0].vault().counter(of_client), boxes_[1].vault().counter(of_server)};
    };
    using session::Counter;
    const auto granted = counters(Counter::granted, Counter::granted);
    for (std::size_t i = 0; i < boxes_.size(); ++i) {
      witness_.enter(i);
      session::SealedReserve reserve{scale_.sealed};
      static_cast<void>(reserve.restore({.record = {},
                                         .own = boxes_[i].vault().counter(Counter::own),
                                         .granted = boxes_[i].vault().counter(Counter::granted),
                                         .problem = {}}));
      reserve.stage(bits, counters(Counter::own, Counter::own), {granted[1], granted[0]});
      reserve.settle_on(*reserve.staged());
      boxes_[i].vault().provide(reserve.encode());
    }
  }

  /// Blocks only while somebody has use for them: a run is as short as it can be.
  void plan_light() {
    world_.plan_in(light_->interval(), [this] {
      SimulatedBox& bob = boxes_[1];
      if (bob.watches() && wanted(bob)) bob.on_frame(light_->shine());
      plan_light();
    });
  }
  [[nodiscard]] bool wanted(const SimulatedBox& bob) const {
    const auto& store = bob.link().store();
    const auto status = bob.link().session_status();
    return store.stock_keys(0) < std::min(2U, scale_.stock_keys_max) || status.sealed_chunks == 0 ||
           status.authenticator != session::Authenticator::qkd || light_->lavish();
  }

  void plan_packets() {
    world_.plan_in(150ms, [this] {
      for (auto& box : boxes_)
        for (auto packets = 1 + world_.below(2); packets > 0; --packets) box.send_packet();
      plan_packets();
    });
  }

  /// Both ways, of what is sent from now on.
  [[nodiscard]] bool delivers() {
    const auto newest = [this](std::size_t box) {
      const auto& received = boxes_[box].traffic().received;
      return received.empty() ? 0 : *received.rbegin();
    };
    const std::array sent{boxes_[0].traffic().sent, boxes_[1].traffic().sent};
    world_.run_for(350ms);
    return newest(0) > sent[1] && newest(1) > sent[0];
  }

  void recover() {
    const auto since = world_.now();
    bool good = false;
    while (!world_.stopped() && !good && world_.now() < since + patience) {
      if (boxes_[0].settled() && boxes_[1].settled())
        good = delivers();
      else
        world_.run_for(100ms);
    }
    recovery_seconds_ = std::chrono::duration<double>(world_.now() - since).count();
    if (world_.stopped()) return;
    if (!good)
      witness_.broken(std::format("I8: the link does not come back: sessions {} and {}, tunnels {} and {}",
                                  boxes_[0].link().session_status().state, boxes_[1].link().session_status().state,
                                  boxes_[0].link().tunnel_status(0).state, boxes_[1].link().tunnel_status(0).state));
    for (const auto& box : boxes_) {
      if (box.blocks_held() < blocks_least || box.traffic().received.empty()) witness_.broken("I8: no work was done");
    }
  }

  VirtualWorld world_;
  Witness witness_;
  Faults faults_;
  Scale scale_;
  std::unique_ptr<Light> light_;
  Network network_;
  std::array<SimulatedBox, 2> boxes_;
  Trouble trouble_;
  double recovery_seconds_ = 0;
};

}  // namespace

std::string_view name_of(Speed speed) { return speed == Speed::store ? "store" : "chain"; }

std::optional<Speed> find_speed(std::string_view name) {
  for (const auto speed : {Speed::store, Speed::chain})
    if (name == name_of(speed)) return speed;
  return std::nullopt;
}

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
