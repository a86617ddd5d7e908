// Two boxes in one process under a virtual clock: the product's links, their networks in trouble, a thousand runs by
// number.
#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <format>

#include "appliance/distill/account_json.hpp"
#include "appliance/distill/block.hpp"
#include "tests/simulation/seeds.hpp"
#include "tests/simulation/simulated_box.hpp"
#include "tests/synthetic_light.hpp"

namespace cloister::simulation {
namespace {
using namespace std::chrono_literals;

constexpr double z_probability = 0.7;
constexpr double error_probability = 0.003;
constexpr auto trouble_ends = 8s;
constexpr auto patience = 60s;

/// Small blocks for speed: with eps_sec loose enough that the finite-key formulas give a key from them. Everything else
/// as in a box.
distill::Parameters parameters() {
  distill::Parameters parameters;
  parameters.bound = distill::Bound::rusca2018;  // of so few bits it gives the most
  parameters.intensities = {0.5, 0.15};
  parameters.probabilities = {0.6, 0.4};
  parameters.eps_sec = 1e-2;
  parameters.eps_cor = 1e-9;
  parameters.block_bits = 56'000;
  return parameters;
}

/// How the tunnel is rekeyed in a run.
struct Rekeying {
  std::chrono::milliseconds interval{1s};
  std::uint32_t stock_keys_max = 8;
};

box::LinkSettings settings(const std::string& local, const std::string& peer, const Rekeying& rekeying) {
  box::LinkSettings settings{.session = {.link = "line",
                                         .local_box = local,
                                         .peer_box = peer,
                                         .agreement = "block_bits=56000\n",
                                         .reserve_bits = 2048},
                             .distillation = parameters(),
                             .epsilon_budget = 1e6,  // of blocks with so loose an eps_sec
                             .tunnels = {}};
  settings.tunnels.push_back({.rekey = {.tunnel = "office",
                                        .local_box = local,
                                        .peer_box = peer,
                                        .initiator = local < peer,
                                        .hybrid = false,
                                        .rekey_interval = rekeying.interval,
                                        .key_lifetime = 3 * rekeying.interval},
                              .interface = "none",
                              .stock_keys_max = rekeying.stock_keys_max,
                              .terms = ""});
  return settings;
}

crypto::Psk psk() {
  crypto::Psk psk;
  std::ranges::fill(psk.fill(), std::byte{0x5A});
  return psk;
}

/// A third of the seeds is calm, a third has the connection cut, a third has someone between who changes what it
/// carries.
Trouble trouble_of(std::uint64_t seed, VirtualWorld& world) {
  Trouble trouble;
  trouble.delay_most = world.between(1ms, 10ms);
  trouble.datagram_loss = world.happens(0.5) ? 0.05 : 0;
  trouble.datagram_repeat = world.happens(0.5) ? 0.05 : 0;
  if (seed % 3 == 1) {
    for (auto cuts = 1 + world.below(3); cuts > 0; --cuts) trouble.cuts.push_back(world.between(10ms, 8s));
    trouble.one_notices_cuts = world.happens(0.3);
  }
  if (seed % 3 == 2) {
    trouble.tamper_at = world.below(world.happens(0.3) ? 20 : 400);
    trouble.tampering = static_cast<Tampering>(world.below(4));
  }
  return trouble;
}

/// A third of the seeds never reaches a second rekey by time: there a black hole would last beyond all patience.
Rekeying rekeying_of(VirtualWorld& world) {
  if (world.happens(2.0 / 3)) return {};
  return {.interval = 1h, .stock_keys_max = static_cast<std::uint32_t>(std::array{1, 2, 8}[world.below(3)])};
}

/// What befalls rekeys and services, beside the network's own trouble, in the seeds with cuts.
struct Mishaps {
  int exchanges_cut = 0;           // the connection is cut soon after a key was accepted
  std::vector<Duration> restarts;  // of a service
  std::array<std::size_t, 2> restarts_of{};
};

Mishaps mishaps_of(std::uint64_t seed, VirtualWorld& world) {
  Mishaps mishaps;
  if (seed % 3 != 1) return mishaps;
  mishaps.exchanges_cut = static_cast<int>(world.below(3));
  for (auto restarts = world.below(3); restarts > 0; --restarts) mishaps.restarts.push_back(world.between(2s, 8s));
  for (auto& box : mishaps.restarts_of) box = world.below(2);
  return mishaps;
}

struct Outcome {
  std::string failure;  // empty when all held
  std::uint64_t digest = 0;
  std::uint64_t blocks = 0;
  bool tampered = false;
  std::vector<std::string> log;
};

/// Whether anyone can recompute each line of a box's account log, and whether each attempt was paid for.
std::string judge_accounts(const SimulatedBox& box, bool calm) {
  std::uint64_t held = 0;
  for (const auto& text : box.accounts()) {
    const auto line = boost::json::parse(text, {}, {.numbers = boost::json::number_precision::precise}).as_object();
    const auto seen = distill::read_observation(line);
    if (!seen) return "an account that cannot be read: " + seen.error().message;
    const auto& outcome = line.at("outcome").as_string();
    if (outcome != "held" && !line.at("authenticated_by").is_null()) return "no key, and yet authenticated";
    if (outcome != "held") continue;
    ++held;
    const auto& by = line.at("authenticated_by").as_string();
    if (by != "bootstrap" && by != "qkd") return "an account that does not say what authenticated the block";
    const double f = line.at("efficiency").as_double();
    if (!(f > 1 && f < 2)) return std::format("an efficiency of {}", f);
    if (std::abs(line.at("qber").as_double() - error_probability) > 0.002) return "a QBER that is not the light's";
    if (distill::secret_length(*seen).length_bits != line.at("length_bits").to_number<std::uint64_t>())
      return "an account whose length does not follow from it: " + text;
  }
  const double attempts = box.link().epsilon().total() / box.link().epsilon().per_block();
  const auto lines = static_cast<double>(box.accounts().size());
  const auto open_most = static_cast<double>(distill::open_blocks_max(parameters()));
  // At the end some blocks are open, the more the longer a round trip. A life that ended early has given back nothing of
  // what it had booked.
  if (attempts < lines - 0.5 || (calm && attempts > lines + open_most + 0.5))
    return std::format("{} attempts were counted, {} accounts written", attempts, lines);
  if (calm && held != box.link().session_status().blocks_held)
    return std::format("{} accounts of held blocks where there are {}", held, box.link().session_status().blocks_held);
  return {};
}

std::string judge(const Trouble& trouble, const Rekeying& rekeying, bool tampered, const SimulatedBox& alice,
                  const SimulatedBox& bob) {
  for (const auto* box : {&alice, &bob}) {
    const auto& traffic = box->traffic();
    const auto& sender = (box == &alice ? bob : alice).traffic();
    if (traffic.not_authentic != 0) return "the two boxes hold different keys";
    if (traffic.received_twice != 0) return "a packet was taken twice";
    if (!box->settled())
      return std::format("no tunnel on QKD keys after the trouble: session {}, tunnel {}",
                         box->link().session_status().state, box->tunnel().state);
    const auto balance = box->link().store().balance();
    if (balance.produced_bits !=
        balance.reserve_bits + balance.taken_bits + balance.burnt_bits + balance.discarded_bits + balance.stock_bits)
      return "bits appeared or vanished in the store";
    const bool calm = trouble.cuts.empty() && !tampered;
    if (auto wrong = judge_accounts(*box, calm); !wrong.empty()) return wrong;
    if (calm && trouble.datagram_loss == 0 && traffic.received.size() != sender.sent - sender.without_key) {
      return std::format("{} packets were lost over {} rekeys",
                         sender.sent - sender.without_key - traffic.received.size(), box->tunnel().rekeys);
    }
    if (calm && !box->alarms().empty()) return "an alarm without a reason: " + box->alarms().front();
    if (calm && rekeying.interval == 1s && box->tunnel().rekeys < 3) return "too few rekeys to show anything";
  }
  if (tampered && alice.alarms().empty() && bob.alarms().empty())
    return "the channel was changed and no alarm was raised";
  if (alice.stock_keys() != bob.stock_keys()) return "the stocks differ";
  return {};
}

Outcome run(std::uint64_t seed) {
  VirtualWorld world{seed};
  const auto trouble = trouble_of(seed, world);
  const auto rekeying = rekeying_of(world);
  auto mishaps = mishaps_of(seed, world);
  Network network{world, trouble};
  test::SyntheticSource source{parameters(), z_probability, seed};
  SimulatedBox alice{world, network, 0, settings("alice", "bob", rekeying), psk(), 4 * seed + 1, source};
  SimulatedBox bob{world, network, 1, settings("bob", "alice", rekeying), psk(), 4 * seed + 3, source};
  const auto start = world.now();
  alice.begin();
  bob.begin();
  bob.on_installed_inbound = [&] {
    if (mishaps.exchanges_cut == 0 || world.now() > start + trouble_ends) return;
    --mishaps.exchanges_cut;
    world.plan_in(world.between(0ms, 3 * trouble.delay_most), [&] { network.cut(); });
  };
  for (std::size_t i = 0; i < mishaps.restarts.size(); ++i)
    world.plan_in(mishaps.restarts[i], [&, i] { (mishaps.restarts_of[i] == 0 ? alice : bob).restart(); });

  std::mt19937_64 chance{~seed};
  hal::Slot slot = 0;
  std::function<void()> shine = [&] {
    const bool wanted = bob.stock_keys() < std::min(5U, rekeying.stock_keys_max) ||
                        bob.link().session_status().authenticator != session::Authenticator::qkd;
    if (wanted && bob.watches())
      bob.on_frame(test::detect(source, slot, 11'000, z_probability, error_probability, chance));
    world.plan_in(100ms, shine);
  };
  std::function<void()> send = [&] {
    alice.send_packet();
    bob.send_packet();
    world.plan_in(20ms, send);
  };
  world.plan_in(5ms, shine);
  world.plan_in(7ms, send);

  world.run_until(start + trouble_ends + 2s);
  // Whether of the packets of half a second at least half arrive, both ways; a run loses one in twenty.
  const auto delivers = [&] {
    const std::array sent{alice.traffic().sent, bob.traffic().sent};
    world.run_until(world.now() + 500ms);
    const auto arrived = [](const SimulatedBox& from, const SimulatedBox& to, std::uint64_t after) {
      const auto& received = to.traffic().received;
      return std::distance(received.upper_bound(after), received.end()) * 2 >=
             static_cast<std::ptrdiff_t>(from.traffic().sent - after);
    };
    return arrived(alice, bob, sent[0]) && arrived(bob, alice, sent[1]);
  };
  bool delivered = false;
  while (!(alice.settled() && bob.settled() && (delivered = delivers())) &&
         world.now() < start + trouble_ends + patience)
    world.run_until(world.now() + 100ms);
  send = [] {};
  // What is in flight arrives, also the rest of a rekey or a block.
  world.run_until(world.now() + 100ms);
  const auto stock = [](const SimulatedBox& box) { return box.stock_keys(); };
  for (int i = 0; i < 50 && stock(alice) != stock(bob); ++i) world.run_until(world.now() + 100ms);

  Outcome outcome;
  outcome.tampered = network.tampered();
  outcome.failure = judge(trouble, rekeying, outcome.tampered, alice, bob);
  if (outcome.failure.empty() && !delivered) outcome.failure = "the tunnel is up and does not deliver";
  outcome.digest = world.digest();
  outcome.blocks = bob.link().session_status().blocks_held;
  for (const auto* box : {&alice, &bob}) {
    for (const auto& line : box->log()) outcome.log.push_back((box == &alice ? "alice " : "bob   ") + line);
  }
  std::ranges::sort(outcome.log, {}, [](const std::string& line) { return std::stod(line.substr(6)); });
  return outcome;
}

TEST_CASE("Two boxes keep equal keys, lose nothing when all is calm, and come back after trouble, for every seed",
          "[simulation]") {
  if (repeated_one(run)) return;
  const std::uint64_t seeds = seeds_wanted();
  std::uint64_t tampered = 0;
  std::uint64_t blocks = 0;
  std::vector<std::string> failures;
  run_all(seeds, run, [&](std::uint64_t seed, const Outcome& outcome) {
    tampered += outcome.tampered ? 1 : 0;
    blocks += outcome.blocks;
    if (!outcome.failure.empty()) failures.push_back(how_to_repeat(seed, outcome.failure));
    return true;
  });
  for (const auto& failure : failures) UNSCOPED_INFO(failure);
  CHECK(failures.empty());
  CHECK(tampered > seeds / 4);
  CHECK(blocks > seeds);
}

TEST_CASE("A seed gives the same run every time", "[simulation]") {
  for (const std::uint64_t seed : {0U, 1U, 2U}) {
    INFO("seed " << seed);
    CHECK(run(seed).digest == run(seed).digest);
  }
}

}  // namespace
}  // namespace cloister::simulation
