#include "tests/simulation/stage.hpp"

#include <algorithm>

namespace cloister::simulation {
using namespace std::chrono_literals;
namespace {

box::LinkSettings settings_of(std::size_t number, const Names& names, const Scale& scale,
                              const distill::Parameters& parameters) {
  box::LinkSettings settings{.session = {.link = "line",
                                         .local_box = names[number],
                                         .peer_box = names[1 - number],
                                         .agreement = "block_bits=1\n",
                                         .bootstrap_again = scale.bootstrap_again[number],
                                         .policy = scale.policy,
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
                                        .key_lifetime = 3 * scale.rekey_interval,
                                        .when_keys_run_out = scale.when_keys_run_out,
                                        .extend_for = 2 * scale.rekey_interval},
                              .interface = "none",
                              .stock_keys_max = scale.stock_keys_max,
                              .pad_bytes = scale.pad_bytes,
                              .terms = ""});
  return settings;
}

}  // namespace

Stage::Stage(VirtualWorld& of, Speed speed, std::uint64_t seed, Bootstrap bootstrap, const Scale& how,
             const Names& ends)
    : world{of},
      names{ends},
      witness{of},
      scale{how},
      light{make_light(speed, seed)},
      network{of, {}},
      boxes{box(0, seed, bootstrap), box(1, seed, bootstrap)} {
  if (bootstrap == Bootstrap::toy) witness.use_toy_handshake();
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    boxes[i].use_vault();
    boxes[i].keep_back(scale.quarantine[i]);
  }
  world.after_each = [this, others = std::move(world.after_each)] {
    others();
    for (auto& box : boxes) box.look();
    witness.look();
    if (!witness.failure().empty()) world.stop();
  };
}

SimulatedBox Stage::box(std::size_t number, std::uint64_t seed, Bootstrap bootstrap) {
  auto settings = settings_of(number, names, scale, light->parameters());
  const auto own = settings.session.local_box;
  const auto peer = settings.session.peer_box;
  return SimulatedBox{world,
                      network,
                      witness,
                      number,
                      std::move(settings),
                      [=] { return credentials_of(bootstrap, own, peer); },
                      4 * seed + 2 * number + 1,
                      [this, number](crypto::Random& random) { return light->make_chain(number, random); }};
}

void Stage::begin() {
  for (auto& box : boxes) box.start();
  plan_light();
  plan_packets();
  for (std::size_t i = 0; i < boxes.size(); ++i)
    if (scale.bootstrap_again[i] == session::BootstrapAgain::by_operator) plan_operator(i);
}

void Stage::provide_sealed_reserve() {
  world.say("run", "both boxes have a sealed reserve of {} chunks", scale.sealed.chunks);
  crypto::SecretBits bits{scale.sealed.bits()};
  for (auto& word : bits.fill())
    word = world.below(std::uint64_t{1} << 32U) << 32U | world.below(std::uint64_t{1} << 32U);
  const auto counters = [this](session::Counter of_client, session::Counter of_server) {
    return std::array{boxes[0].vault().counter(of_client), boxes[1].vault().counter(of_server)};
  };
  using session::Counter;
  const auto granted = counters(Counter::granted, Counter::granted);
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    witness.enter(i);
    session::SealedReserve reserve{scale.sealed};
    static_cast<void>(reserve.restore({.record = {},
                                       .own = boxes[i].vault().counter(Counter::own) - 1,
                                       .granted = boxes[i].vault().counter(Counter::granted),
                                       .problem = {}}));
    reserve.counter_moved(Counter::own, reserve.note_bootstrap());
    reserve.bootstrap_is_noted();
    reserve.stage(bits, counters(Counter::own, Counter::own), {granted[1], granted[0]});
    reserve.settle_on(*reserve.staged());
    boxes[i].vault().provide(reserve.encode());
  }
}

/// Blocks only while somebody has use for them: a run is as short as it can be.
void Stage::plan_light() {
  world.plan_in(light->interval(), [this] {
    SimulatedBox& bob = boxes[1];
    constexpr std::uint64_t clicks = 1000;
    for (std::size_t i = 0; i < boxes.size(); ++i)
      if (scale.quarantine[i] > 0ms) boxes[i].watched(light->interval(), i == 1 ? clicks : 0);
    if (bob.watches() && wanted(bob)) bob.on_frame(light->shine());
    plan_light();
  });
}
bool Stage::wanted(const SimulatedBox& bob) const {
  const auto status = bob.link().session_status();
  const bool lacks = scale.pad_bytes > 0 ? bob.lacks_keys() : bob.stock_keys() < std::min(2U, scale.stock_keys_max);
  return lacks || status.sealed_chunks == 0 || status.authenticator == session::Authenticator::none ||
         status.authenticator == session::Authenticator::bootstrap || light->lavish();
}

void Stage::plan_packets() {
  world.plan_in(150ms, [this] {
    for (auto& box : boxes)
      for (auto packets = 1 + world.below(2); packets > 0; --packets) box.send_packet();
    plan_packets();
  });
}

/// He looks now and then, and sometimes says it where nothing waits.
void Stage::plan_operator(std::size_t box) {
  world.plan_in(world.between(100ms, 2s), [this, box] {
    auto& one = boxes[box];
    const bool awaited = one.running() && one.link().session_status().awaited == session::Awaited::own_operator;
    if (awaited || world.below(8) == 0) one.allow_bootstrap();
    plan_operator(box);
  });
}

bool Stage::delivers() {
  const auto newest = [this](std::size_t box) {
    const auto& received = boxes[box].traffic().received;
    return received.empty() ? 0 : *received.rbegin();
  };
  const std::array sent{boxes[0].traffic().sent, boxes[1].traffic().sent};
  world.run_for(350ms);
  return newest(0) > sent[1] && newest(1) > sent[0];
}

}  // namespace cloister::simulation
