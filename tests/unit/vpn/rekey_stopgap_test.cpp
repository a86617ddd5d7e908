// Two rekey engines when keys run out: the last SA for longer, or an exchange; and by volume in place of time.
#include <catch2/catch_test_macros.hpp>

#include "crypto/kem.hpp"
#include "tests/unit/vpn/rekey_pair.hpp"

namespace cloister::vpn {
namespace {
using namespace std::chrono_literals;
using namespace rekey_pair;

const Pair::Conditions extending{.when_keys_run_out = WhenKeysRunOut::extend, .extend_for = 10s};
const Pair::Conditions exchanging{.when_keys_run_out = WhenKeysRunOut::exchange};

/// One block, whose two keys last for 1 s and then 3 s; then it is dark.
void let_keys_run_out(Pair& pair) {
  pair.light = false;
  pair.add_block();
  pair.session(true);
  pair.run(2s, [] {});
  REQUIRE((pair.fits(0) && pair.fits(1)));
}

void expect_both(Pair& pair, const char* state, KeySource source) {
  for (const auto& end : pair.ends) {
    CHECK(end.engine->status().state == state);
    CHECK(end.engine->status().source == source);
  }
}

TEST_CASE("A tunnel that may extend its key uses the same SA on for the time that is allowed, then blocks",
          "[rekey][stopgap]") {
  Pair pair{1, extending};
  let_keys_run_out(pair);
  const auto last = pair.ends[0].outbound;
  expect_both(pair, "up", KeySource::qkd);
  pair.run(11s, [&] { REQUIRE((pair.fits(0) && pair.fits(1) && pair.ends[0].outbound == last)); });
  expect_both(pair, "up", KeySource::extended);
  pair.run(2s, [] {});
  expect_both(pair, "blocked", KeySource::none);
  for (const auto& end : pair.ends) {
    CHECK(end.stopgaps == std::vector{KeySource::extended});
    CHECK(end.stopgap_ends == std::vector{false});
    CHECK(end.blocked == 1);
    CHECK(end.inbound.empty());
    CHECK_FALSE(end.outbound);
  }
}

TEST_CASE("An extended key ends with the next key, without a gap", "[rekey][stopgap]") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    INFO("seed " << seed);
    Pair pair{seed, extending};
    let_keys_run_out(pair);
    pair.run(4s, [&] { REQUIRE((pair.fits(0) && pair.fits(1))); });
    expect_both(pair, "up", KeySource::extended);
    pair.light = true;
    pair.run(3s, [&] { REQUIRE((pair.fits(0) && pair.fits(1))); });
    expect_both(pair, "up", KeySource::qkd);
    CHECK(pair.ends[0].stopgap_ends == std::vector{true});
    CHECK(pair.ends[1].stopgap_ends == std::vector{true});
  }
}

TEST_CASE("An extended key outlives the session, whose cable may be the one that is cut", "[rekey][stopgap]") {
  Pair pair{3, extending};
  let_keys_run_out(pair);
  pair.session(false);
  pair.run(11s, [&] { REQUIRE((pair.fits(0) && pair.fits(1))); });
  pair.session(true);
  pair.run(200ms, [&] { REQUIRE((pair.fits(0) && pair.fits(1))); });
  pair.run(2s, [] {});
  expect_both(pair, "blocked", KeySource::none);
}

TEST_CASE("An extended key that the restarted peer has lost ends at once", "[rekey][stopgap]") {
  Pair pair{4, extending};
  let_keys_run_out(pair);
  pair.run(4s, [] {});
  pair.restart(1);
  pair.run(100ms, [] {});
  CHECK_FALSE(pair.ends[0].outbound);
  CHECK(pair.ends[0].stopgap_ends == std::vector{false});
}

TEST_CASE("Half of the packets that a key may be extended for make a rekey due, at either side", "[rekey][stopgap]") {
  for (const std::size_t sender : {0UZ, 1UZ}) {
    Pair pair{5, {.rekey_interval = 1h, .when_keys_run_out = WhenKeysRunOut::extend, .extend_for = 10s}};
    pair.session(true);
    pair.run(1s, [] {});
    auto& engine = *pair.ends[sender].engine;
    engine.on_sent({}, pair.now);
    engine.on_sent({.packets = extended_packets_max / 2 - 1, .bytes = 0}, pair.now);
    pair.drain(sender);
    pair.run(100ms, [] {});
    CHECK(engine.status().rekeys == 0);
    engine.on_sent({.packets = extended_packets_max / 2, .bytes = 0}, pair.now);
    pair.drain(sender);
    pair.run(100ms, [&] { REQUIRE((pair.fits(0) && pair.fits(1))); });
    CHECK(engine.status().rekeys == 1);
  }
}

TEST_CASE("A packet under the accepted SA stands for a CONFIRM that was lost", "[rekey]") {
  for (const bool heard : {false, true}) {
    Pair pair{11, extending};
    pair.session(true);
    pair.run(1s, [] {});
    // The responder has accepted, the initiator sends already, and then the cable is cut for good.
    while (!pair.ends[1].engine->status().accepted) pair.run(1ms, [] {});
    const auto accepted = *pair.ends[1].engine->status().accepted;
    while (pair.ends[0].outbound->first != accepted.value) pair.run(1ms, [] {});
    REQUIRE(pair.ends[1].engine->status().accepted);
    pair.session(false);
    if (heard) {
      pair.ends[1].engine->on_heard({accepted.value + 1}, pair.now);  // of no SA that waits
      pair.ends[1].engine->on_heard(accepted, pair.now);
      pair.drain(1);
    }
    pair.run(4s, [] {});
    CHECK(pair.fits(0));
    CHECK(pair.fits(1) == heard);
  }
}

TEST_CASE("Volume renews a key once in a grace, however much is sent", "[rekey]") {
  for (const std::size_t sender : {0UZ, 1UZ}) {
    Pair pair{12, {.ceiling_keys = 64, .rekey_interval = 60s, .rekey_after = {.packets = 1'000, .bytes = 0}}};
    pair.session(true);
    pair.run(20s, [] {});
    auto& engine = *pair.ends[sender].engine;
    const auto before = engine.status().keys_taken;
    for (std::uint64_t tick = 0; tick < 80; ++tick) {
      engine.on_sent({.packets = 1'000'000 * tick, .bytes = 0}, pair.now);
      pair.drain(sender);
      pair.run(250ms, [&] { REQUIRE(pair.ends[0].inbound.size() <= 2); });
    }
    const auto taken = engine.status().keys_taken - before;
    CHECK((taken >= 3 && taken <= 5));  // in 20 s, each grace 5 s
  }
}

TEST_CASE("An exchange is put off while the answering side's key is young", "[rekey][stopgap]") {
  Pair pair{13, exchanging};
  pair.session(true);
  pair.run(1s, [] {});
  auto& responder = *pair.ends[1].engine;
  auto kem = crypto::KemKeyPair::generate();
  REQUIRE(kem);
  cloister::test::SeededRandom random{1};
  const auto before = responder.status().inbound;
  const auto exchange = encode(Exchange{1000, {0x1000}, crypto::X25519KeyPair{random}.public_key(), kem->public_key()});
  pair.run(1ms, [] {});
  while (pair.now - *responder.status().key_made > 500ms) pair.run(1ms, [] {});
  REQUIRE(responder.on_message(static_cast<std::uint8_t>(RekeyMessage::exchange), exchange, pair.now));
  CHECK_FALSE(responder.status().accepted);
  CHECK(responder.status().source == KeySource::qkd);
  CHECK(before);
}

TEST_CASE("A key that may be extended ends at 2^32 packets", "[rekey][stopgap]") {
  Pair pair{5, extending};
  let_keys_run_out(pair);
  CHECK(pair.ends[0].packets_max == extended_packets_max);
  auto& engine = *pair.ends[0].engine;
  engine.on_sent({.packets = 1'000, .bytes = 0}, pair.now);  // what came before counts for nothing
  engine.on_sent({.packets = 999 + extended_packets_max, .bytes = 0}, pair.now);
  pair.drain(0);
  CHECK(pair.ends[0].outbound);
  engine.on_sent({.packets = 1'000 + extended_packets_max, .bytes = 0}, pair.now);
  pair.drain(0);
  CHECK_FALSE(pair.ends[0].outbound);
  CHECK(pair.ends[0].blocked == 1);
}

TEST_CASE("A tunnel that may go on without QKD has fresh keys of an exchange, without a gap, until there is a key",
          "[rekey][stopgap]") {
  for (const bool hybrid : {false, true}) {
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      INFO("seed " << seed << (hybrid ? ", hybrid" : ""));
      auto conditions = exchanging;
      conditions.hybrid = hybrid;
      Pair pair{seed, conditions};
      let_keys_run_out(pair);
      std::set<KeyBytes> keys;
      pair.run(12s, [&] {
        REQUIRE((pair.fits(0) && pair.fits(1)));
        keys.insert(pair.ends[0].outbound->second);
      });
      expect_both(pair, "up", KeySource::exchange);
      CHECK(pair.ends[0].engine->status().authenticated_by == wire::Authenticator::none);
      CHECK(keys.size() >= 8);
      pair.light = true;
      pair.run(3s, [&] { REQUIRE((pair.fits(0) && pair.fits(1))); });
      expect_both(pair, "up", KeySource::qkd);
      for (const auto& end : pair.ends) {
        CHECK(end.stopgaps == std::vector{KeySource::exchange});
        CHECK(end.stopgap_ends == std::vector{true});
        CHECK(end.blocked == 0);
      }
    }
  }
}

TEST_CASE("Without a session nothing is exchanged: the tunnel blocks, and comes back with the session",
          "[rekey][stopgap]") {
  Pair pair{6, exchanging};
  let_keys_run_out(pair);
  pair.session(false);
  pair.run(4s, [] {});
  expect_both(pair, "blocked", KeySource::none);
  pair.session(true);
  pair.run(2s, [] {});
  CHECK_FALSE(pair.ends[0].outbound);  // keys of the stock have as long as a key lasts
  pair.run(2s, [] {});
  CHECK((pair.fits(0) && pair.fits(1)));
  expect_both(pair, "up", KeySource::exchange);
}

TEST_CASE("An exchange that the session's end cuts at any moment leaves both ends alike", "[rekey][stopgap]") {
  for (int moment = 0; moment < 60; ++moment) {
    INFO("moment " << moment);
    Pair pair{7, exchanging};
    pair.delay_most = 20ms;
    let_keys_run_out(pair);
    // The first exchange begins 1 s before the last key's end.
    pair.run(950ms + std::chrono::milliseconds{2 * moment}, [&] { REQUIRE((pair.fits(0) && pair.fits(1))); });
    pair.session(false);
    pair.run(20ms, [] {});
    pair.session(true);
    pair.run(4s, [] {});
    CHECK((pair.fits(0) && pair.fits(1)));
    CHECK(pair.ends[0].engine->status().epoch == pair.ends[1].engine->status().epoch);
  }
}

TEST_CASE("An exchange is an error where the policy has none, and from the side that only answers",
          "[rekey][stopgap]") {
  cloister::test::SeededRandom random{1};
  auto kem = crypto::KemKeyPair::generate();
  REQUIRE(kem);
  const auto exchange = [&](crypto::X25519Public x25519) {
    return encode(Exchange{1, {0x1000}, x25519, kem->public_key()});
  };
  const auto honest = crypto::X25519KeyPair{random}.public_key();
  struct Way {
    bool initiator;
    WhenKeysRunOut policy;
    crypto::X25519Public x25519;
    bool taken;
  };
  for (const auto& way :
       {Way{false, WhenKeysRunOut::exchange, honest, true},
        Way{false, WhenKeysRunOut::exchange, {}, false},  // of low order
        Way{false, WhenKeysRunOut::block, honest, false}, Way{false, WhenKeysRunOut::extend, honest, false},
        Way{true, WhenKeysRunOut::exchange, honest, false}}) {
    auto with = settings(way.initiator, false);
    with.when_keys_run_out = way.policy;
    RekeyEngine engine{with, random, beginning};
    engine.on_session_up(beginning);
    REQUIRE(engine.on_message(static_cast<std::uint8_t>(RekeyMessage::standing), encode(Standing{}), beginning));
    CHECK(engine.on_message(static_cast<std::uint8_t>(RekeyMessage::exchange), exchange(way.x25519), beginning)
              .has_value() == way.taken);
  }
}

TEST_CASE("A key is renewed after so many packets or bytes, whichever side has sent them", "[rekey]") {
  for (const std::size_t sender : {0UZ, 1UZ}) {
    for (const bool by_bytes : {false, true}) {
      INFO("sender " << sender << (by_bytes ? ", bytes" : ", packets"));
      Pair pair{8, {.rekey_interval = 60s, .rekey_after = by_bytes ? Volume{0, 5'000'000} : Volume{5'000, 0}}};
      pair.session(true);
      pair.run(1s, [] {});
      auto& engine = *pair.ends[sender].engine;
      Volume sent{};
      const auto tell = [&](std::uint64_t packets) {
        sent = {sent.packets + packets, sent.bytes + 1'000 * packets};
        engine.on_sent(sent, pair.now);
        pair.drain(sender);
        pair.run(100ms, [&] { REQUIRE((pair.fits(0) && pair.fits(1))); });
      };
      tell(0);
      tell(4'999);
      CHECK(engine.status().rekeys == 0);
      tell(1);
      CHECK(engine.status().rekeys == 1);
      pair.run(6s, [] {});  // the old receiving SA goes
      tell(4'999);
      CHECK(engine.status().rekeys == 1);
      tell(1);
      CHECK(engine.status().rekeys == 2);
    }
  }
}

}  // namespace
}  // namespace cloister::vpn
