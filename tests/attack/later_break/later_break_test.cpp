// A later break of the bootstrap does not touch past keys: two boxes with the real engines, from the fibre to ESP packets;
// everything that crosses between them is recorded, Eve's own measurements too; then the attacker gets the PSK, both
// boxes' private keys and that of their certificate authority, whichever the link has, and all secrets of the bootstrap. Tunnel keys are made without ML-KEM
// here, so that the QKD key has to hold by itself.
//
// That he could win at all is shown by three controls: Bob's raw bits given to him; a receiver that does not see what Eve
// does, with an amplification seed that she knew beforehand; boxes whose keys come from the exporter.
#include <openssl/evp.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>
#include <iostream>

#include "appliance/session/channel.hpp"
#include "tests/attack/attacked_link.hpp"
#include "tests/attack/later_break/attacker.hpp"
#include "tests/simulation/bootstraps.hpp"
#include "tests/simulation/simulated_box.hpp"

namespace cloister::attack {
namespace {
using namespace std::chrono_literals;
using simulation::Bootstrap;
using simulation::SimulatedBox;

constexpr auto patience = 60s;
constexpr std::uint64_t chain_seed_offset = 1;  // of a simulated box's chain, beyond its own seed
constexpr std::uint64_t alice_seed = 41;
constexpr std::size_t rekeys_wanted = 3;

struct Story {
  Bootstrap bootstrap = Bootstrap::psk;
  hal::fibre::Disturbance eve{};
  hal::fibre::LinkParameters glass = test::glass();
  bool estimate_sees_eve = true;  // else the bits of the test basis are Alice's, whatever was detected
  bool keys_from_the_exporter = false;
};

/// What was recorded, and what the attacker is not told: to judge him by.
struct Evidence {
  Recording recording;
  std::vector<std::vector<std::byte>> credentials;  // of both boxes, what is secret of them
  std::vector<std::byte> exporter;
  Notes raw_bits;                                    // Bob's, of the key basis
  std::map<wire::BlockId, crypto::SecretBits> keys;  // Alice's
  std::size_t packets_received = 0;
};

box::LinkSettings settings(const std::string& local, const std::string& peer) {
  box::LinkSettings settings{.session = {.link = "line", .local_box = local, .peer_box = peer, .agreement = ""},
                             .distillation = test::parameters(),
                             .tunnels = {}};
  settings.tunnels.push_back({.rekey = {.tunnel = "office",
                                        .local_box = local,
                                        .peer_box = peer,
                                        .initiator = local < peer,
                                        .hybrid = false,
                                        .rekey_interval = 200ms,
                                        .key_lifetime = 600ms},
                              .interface = "none",
                              .stock_keys_max = 8,
                              .terms = ""});
  return settings;
}

std::vector<std::byte> copy_of(std::span<const std::byte> bytes) { return {bytes.begin(), bytes.end()}; }

/// What a box's TPM keeps of it: the PSK, the private key's seed, and here that key itself, as FIPS 204 encodes it.
void give_away(const crypto::Credentials& credentials, std::vector<std::vector<std::byte>>& secrets) {
  if (credentials.psk) secrets.push_back(copy_of(credentials.psk->expose()));
  const auto give_key = [&](const crypto::Identity& own) {
    secrets.push_back(copy_of(own.expose()));
    const auto key = own.key();
    std::size_t length = 0;
    REQUIRE(EVP_PKEY_get_raw_private_key(key.get(), nullptr, &length) == 1);
    auto& encoded = secrets.emplace_back(length);
    REQUIRE(EVP_PKEY_get_raw_private_key(key.get(), reinterpret_cast<unsigned char*>(encoded.data()), &length) == 1);
  };
  if (credentials.pinned) give_key(*credentials.pinned->own);
  if (credentials.certified) give_key(*credentials.certified->own);
}

/// The attacker calls the simulation's build of the engines, which shows somebody what it does.
struct AttackersTable {
  simulation::VirtualWorld world{0};
  simulation::Witness witness{world};
};

/// Two boxes until the channel is authenticated by QKD keys and the tunnel was rekeyed some times.
Evidence record(const Story& story) {
  const auto light_seed = std::uint64_t{31};
  simulation::VirtualWorld world{5};
  simulation::Witness witness{world};
  simulation::Network network{world, {.delay_most = 2ms}};
  test::Light light{test::source(), light_seed};
  hal::fibre::Link fibre{story.glass, test::source(), test::Light::generator(test::source(), light_seed),
                         light_seed + 1};
  fibre.disturb(story.eve);
  const auto chain_of = [&](std::size_t box) {
    return [&, box](crypto::Random& random) {
      return box == 0 ? distill::make_alice_chain(test::parameters(), light, random)
                      : distill::make_bob_chain(test::parameters(), random);
    };
  };
  const auto of = [&](const char* own, const char* peer) {
    return [=, kind = story.bootstrap] { return simulation::credentials_of(kind, own, peer); };
  };
  SimulatedBox alice{world, network, witness, 0, settings("alice", "bob"), of("alice", "bob"), alice_seed, chain_of(0)};
  SimulatedBox bob{world,          network,    witness, 1, settings("bob", "alice"), of("bob", "alice"),
                   alice_seed + 2, chain_of(1)};

  Evidence evidence;
  give_away(of("alice", "bob")(), evidence.credentials);
  give_away(of("bob", "alice")(), evidence.credentials);
  if (of("alice", "bob")().certified) evidence.credentials.push_back(simulation::authority_secret());
  network.tap({.stream =
                   [&](std::size_t from, const auto& bytes) {
                     auto& heard = evidence.recording.channel[from];
                     heard.insert(heard.end(), bytes.begin(), bytes.end());
                   },
               .datagram = [&](std::size_t, const auto& bytes) { evidence.recording.datagrams.push_back(bytes); }});
  const auto replace = [&](distill::Amplified& made) {
    if (!story.keys_from_the_exporter) return;
    const auto words = made.key.fill();
    const auto bytes = std::as_writable_bytes(words).first(made.key.size_bits() / 8);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = witness.exported()[i % witness.exported().size()];
  };
  alice.on_amplified = [&](distill::Amplified& made) {
    replace(made);
    evidence.keys.emplace(made.block, made.key.slice(0, made.key.size_bits()));
  };
  bob.on_amplified = replace;

  hal::Slot slot = 0;
  std::vector<std::uint32_t> packed;
  std::function<void()> shine = [&] {
    constexpr std::uint64_t slots = 1'000'000;  // a millisecond
    if (bob.watches()) {
      fibre.run(test::LitLink::epoch, slot, slots, packed);
      auto frame = hal::simulator::unpack({.epoch = test::LitLink::epoch,
                                           .first = slot,
                                           .slots = slots,
                                           .lost = 0,
                                           .packed = std::as_bytes(std::span{packed})});
      REQUIRE(frame);
      for (const auto& note : fibre.eve_notes()) {
        if (note.knows.basis == hal::Basis::z) evidence.recording.fibre[note.slot] = note.knows.bit;
      }
      std::vector<hal::Slot> slots_seen;
      for (const auto& seen : frame->detections) slots_seen.push_back(seen.slot);
      std::vector<hal::Symbol> sent(slots_seen.size());
      REQUIRE(light.symbols(test::LitLink::epoch, slots_seen, sent));
      for (std::size_t i = 0; i < sent.size(); ++i) {
        auto& seen = frame->detections[i];
        if (!story.estimate_sees_eve && seen.basis == hal::Basis::x && sent[i].basis == hal::Basis::x)
          seen.bit = sent[i].bit;
        if (seen.basis == hal::Basis::z) evidence.raw_bits[seen.slot] = seen.bit;
      }
      bob.on_frame(std::move(*frame));
      slot += slots;
    }
    world.plan_in(1ms, shine);
  };
  std::function<void()> send = [&] {
    alice.send_packet();
    bob.send_packet();
    world.plan_in(20ms, send);
  };
  const auto start = world.now();
  alice.start();
  bob.start();
  world.plan_in(1ms, shine);
  world.plan_in(1ms, send);
  const auto enough = [&] { return alice.settled() && bob.settled() && alice.tunnel().rekeys >= rekeys_wanted; };
  while (!enough() && world.now() < start + patience) world.run_until(world.now() + 50ms);
  REQUIRE(enough());
  evidence.exporter = witness.exported();
  evidence.packets_received = alice.traffic().received.size() + bob.traffic().received.size();
  REQUIRE(evidence.packets_received > 0);
  REQUIRE(alice.traffic().not_authentic + bob.traffic().not_authentic == 0);
  return evidence;
}

Attacker attacker_of(const Evidence& evidence) {
  return {{.parameters = test::parameters(),
           .tunnel = "office",
           .initiator = "alice",
           .responder = "bob",
           .stock_keys_max = 8},
          evidence.recording,
          1};
}

/// Both boxes' credentials, what the exporter gave, everything that the product makes of it, and what was said in the
/// handshake.
std::vector<std::vector<std::byte>> all_secrets(const Evidence& evidence, const Attacker& attacker) {
  auto secrets = evidence.credentials;
  secrets.push_back(evidence.exporter);
  const auto all = secrets;
  crypto::BootstrapSecret exporter;
  std::ranges::copy(evidence.exporter, exporter.fill().begin());
  const session::BootstrapKeys keys{std::move(exporter)};
  secrets.push_back(copy_of(keys.tags.secret.expose()));
  secrets.push_back(copy_of(keys.tags.hash_key.expose()));
  for (const auto& [block, talk] : attacker.talk().blocks) {
    for (const std::size_t direction : {0U, 1U}) secrets.push_back(copy_of(keys.tags.pad(block, direction).expose()));
  }
  for (const auto* label : {"bootstrap", "resume", "restart"}) {
    for (const auto& secret : all) {
      const auto directions = session::direction_keys(secret, label, {});
      secrets.push_back(copy_of(directions.client.expose()));
      secrets.push_back(copy_of(directions.server.expose()));
    }
  }
  secrets.push_back(attacker.talk().handshake);
  return secrets;
}

/// How far a guess of a key is from telling anything, in standard deviations of a fair coin.
double deviations(const crypto::SecretBits& guess, const crypto::SecretBits& key) {
  std::uint64_t equal = 0;
  for (std::size_t i = 0; i < key.size_bits(); ++i) equal += guess.get(i) == key.get(i) ? 1U : 0U;
  const auto bits = static_cast<double>(key.size_bits());
  return (static_cast<double>(equal) - bits / 2) / (std::sqrt(bits) / 2);
}

/// Of a generator whose state somebody knew when the boxes began: what Alice's chain would draw for the block, in the
/// order in which she came to each hash and each seed.
std::vector<std::uint64_t> foretold_seed(const Talk& talk, wire::BlockId wanted) {
  test::SeededRandom known{alice_seed + chain_seed_offset};
  for (const auto& [block, type] : talk.draws) {
    if (type == distill::MessageType::verify) {
      std::array<std::byte, sizeof(crypto::VerificationKey)> hash_key{};
      known.fill(hash_key);
      continue;
    }
    std::vector<std::uint64_t> seed(talk.blocks.at(block).amplify->seed.size());
    known.fill(std::as_writable_bytes(std::span{seed}));
    if (block == wanted) return seed;
  }
  return {};
}

TEST_CASE("Who has recorded everything and is later given every credential and the bootstrap's secrets reads nothing",
          "[later break]") {
  const AttackersTable table;
  Story story;
  story.bootstrap =
      GENERATE(Bootstrap::psk, Bootstrap::pinned_keys, Bootstrap::certificates, Bootstrap::certificates_and_psk);
  INFO("bootstrapped by " << name_of(story.bootstrap));
  story.eve = test::eve(hal::fibre::InterceptResend{.fraction = 0.05});  // as much as passes for a noisy line
  const auto evidence = record(story);
  auto attacker = attacker_of(evidence);
  REQUIRE(attacker.talk().blocks.size() >= 2);
  REQUIRE(attacker.talk().rekeys.size() >= rekeys_wanted);

  std::vector<std::pair<wire::BlockId, crypto::SecretBits>> guessed;
  for (const auto& [id, talk] : attacker.talk().blocks) {
    auto found = attacker.attack(id, evidence.recording.fibre);
    INFO("block " << id.value << ": " << found.sifted_bits << " sifted, " << found.known_bits << " known to Eve, "
                  << found.told_bits << " told, " << found.length_bits << " of key");
    CHECK_FALSE(found.key);
    CHECK(found.known_bits > found.sifted_bits / 200);
    CHECK(found.known_bits + found.told_bits + found.length_bits <= found.sifted_bits);
    const auto& key = evidence.keys.at(id);
    REQUIRE(key.size_bits() == found.length_bits);
    const double off = deviations(found.best_guess, key);
    CHECK(std::abs(off) < 4.5);
    std::cout << "block " << id.value << ": the best guess of its " << found.length_bits << " bits is " << off
              << " standard deviations from a coin's\n";
    guessed.emplace_back(id, found.best_guess.slice(0, found.length_bits));
  }
  const auto by_guess = attacker.open_by_blocks(std::move(guessed));
  CHECK(by_guess.tried >= rekeys_wanted);
  CHECK(by_guess.sas == 0);
  const auto by_secret = attacker.open_by_secrets(all_secrets(evidence, attacker));
  CHECK(by_secret.tried > 10'000);
  CHECK(by_secret.sas == 0);
  std::cout << name_of(story.bootstrap) << ": " << by_secret.tried
            << " keys tried from credentials, exporter and handshake, on packets of " << by_secret.all_sas
            << " SAs: none opens\n";
}

TEST_CASE("Control: given Bob's raw bits, he has every key and reads every tunnel", "[later break]") {
  const AttackersTable table;
  const auto evidence = record({});
  auto attacker = attacker_of(evidence);
  std::vector<std::pair<wire::BlockId, crypto::SecretBits>> keys;
  for (const auto& [id, talk] : attacker.talk().blocks) {
    auto found = attacker.attack(id, evidence.raw_bits);
    INFO("block " << id.value);
    REQUIRE(found.key);
    const auto& key = evidence.keys.at(id);
    CHECK(std::ranges::equal(found.key->expose(), key.expose()));
    keys.emplace_back(id, std::move(*found.key));
  }
  REQUIRE(keys.size() >= 2);
  const auto opened = attacker.open_by_blocks(std::move(keys));
  CHECK(opened.all_sas >= 2 * rekeys_wanted);
  CHECK(opened.sas >= opened.all_sas - 2);  // of the last rekey not all was recorded
}

TEST_CASE(
    "Control: where the estimate is blind and the seed was known, full intercept-resend has the key before it is made",
    "[later break]") {
  const AttackersTable table;
  Story story;
  story.eve = test::eve(hal::fibre::InterceptResend{.fraction = 1, .basis = hal::fibre::EveBasis::z});
  story.glass.dark_count_probability = 0;
  story.glass.efficiency = 0.005;  // her pulses are born at the receiver: no fibre dims them
  story.estimate_sees_eve = false;
  const auto evidence = record(story);
  auto attacker = attacker_of(evidence);
  const auto& [id, talk] = *attacker.talk().blocks.begin();
  const auto seed = foretold_seed(attacker.talk(), id);
  const auto found = attacker.attack(id, evidence.recording.fibre, &seed);
  CHECK(found.known_bits == found.sifted_bits);
  REQUIRE(found.key);
  CHECK(std::ranges::equal(found.key->expose(), evidence.keys.at(id).expose()));

  // With a seed of another choice the same knowledge is worth nothing before it is told.
  std::vector<std::uint64_t> other(seed.size());
  test::SeededRandom{alice_seed}.fill(std::as_writable_bytes(std::span{other}));
  const auto too_early = attacker.attack(id, evidence.recording.fibre, &other);
  CHECK_FALSE(too_early.key);
  CHECK(std::abs(deviations(too_early.best_guess, evidence.keys.at(id))) < 4.5);
}

TEST_CASE("Control: boxes whose keys come from the exporter are read with it", "[later break]") {
  const AttackersTable table;
  Story story;
  story.keys_from_the_exporter = true;
  const auto evidence = record(story);
  const auto attacker = attacker_of(evidence);
  CHECK(attacker.open_by_secrets({evidence.exporter}).sas > 0);
  auto others = evidence.credentials;
  others.push_back(attacker.talk().handshake);
  CHECK(attacker.open_by_secrets(others).sas == 0);
}

}  // namespace
}  // namespace cloister::attack
