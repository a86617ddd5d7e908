// Two rekey engines: make before break, through loss and delay, by time and at an operator's wish.
#include <catch2/catch_test_macros.hpp>

#include "tests/unit/vpn/rekey_pair.hpp"

namespace cloister::vpn {
namespace {
using namespace std::chrono_literals;
using namespace rekey_pair;

TEST_CASE("From the first key on both ends always have an SA that the other opens, over many rekeys", "[rekey]") {
  for (const bool hybrid : {false, true}) {
    for (std::uint64_t seed = 0; seed < (hybrid ? 3U : 30U); ++seed) {
      INFO("seed " << seed << (hybrid ? ", hybrid" : ""));
      Pair pair{seed, {.hybrid = hybrid}};
      pair.delay_most = std::chrono::milliseconds{1 + seed};
      pair.session(true);
      pair.run(1s, [] {});
      REQUIRE((pair.fits(0) && pair.fits(1)));
      pair.run(10s, [&] { REQUIRE((pair.fits(0) && pair.fits(1))); });
      CHECK(pair.ends[0].engine->status().rekeys >= 8);
      CHECK(pair.ends[0].inbound.size() <= 2);
      CHECK(pair.ends[0].blocked + pair.ends[1].blocked == 0);
    }
  }
}

TEST_CASE("Tunnels that came up together have new keys at times apart, and then keep them", "[rekey]") {
  constexpr std::size_t tunnels = 40;
  std::array<std::size_t, 10> rekeys{};  // in each tenth of the interval
  for (std::uint64_t seed = 0; seed < tunnels; ++seed) {
    INFO("seed " << seed);
    Pair pair{seed, {.hybrid = false, .ceiling_keys = 8, .rekey_interval = 10s}};
    pair.session(true);
    const auto made = [&] { return pair.ends[0].engine->status().key_made; };
    const auto next = [&] {
      const auto before = made();
      REQUIRE(before);
      while (made() == before && pair.now < beginning + 40s) pair.run(1ms, [] {});
      REQUIRE(made() != before);
      return *made() - *before;
    };
    pair.run(1s, [] {});
    const auto first = next();
    CHECK((first >= 1s && first <= 10s + 20ms));
    const auto second = next();
    CHECK((second >= 10s && second <= 10s + 20ms));
    ++rekeys[std::min<std::size_t>(static_cast<std::size_t>(first / 1s), 9)];
  }
  for (const auto in_tenth : rekeys | std::views::drop(1)) CHECK(in_tenth <= tunnels / 4);
}

TEST_CASE("Without keys the tunnel blocks at its key's end of life, on both ends, and comes back with the next key",
          "[rekey]") {
  Pair pair{1, {}};
  pair.light = false;
  pair.add_block();
  pair.session(true);
  pair.run(8s, [] {});
  for (const auto& end : pair.ends) {
    CHECK_FALSE(end.outbound);
    CHECK(end.inbound.empty());
    CHECK(end.blocked == 1);
    CHECK(end.engine->status().state == "blocked");
  }
  pair.light = true;
  pair.run(3s, [] {});
  CHECK((pair.fits(0) && pair.fits(1)));
}

TEST_CASE("A tunnel whose next key does not come says so half way to its end, once, and again when it has one",
          "[rekey]") {
  for (const bool by_session : {false, true}) {
    INFO((by_session ? "no session" : "no key"));
    Pair pair{2, {}};
    pair.session(true);
    pair.run(4s, [] {});
    for (const auto& end : pair.ends) CHECK(end.late == 0);
    if (by_session)
      pair.session(false);
    else
      pair.light = false;
    const auto begun = pair.now;
    // Of the last key: 1 s until the rekey is due, 3 s until its end.
    while (pair.ends[0].late == 0 && pair.now < begun + 10s) pair.run(1ms, [] {});
    const auto made = *pair.ends[0].engine->status().key_made;
    CHECK((pair.now - made >= 2s && pair.now - made < 2s + 10ms));
    CHECK((pair.fits(0) && pair.fits(1)));
    pair.run(300ms, [&] { REQUIRE((pair.fits(0) && pair.fits(1))); });
    CHECK((pair.ends[0].late == 1 && pair.ends[1].late == 1));
    CHECK(pair.ends[0].late_over == 0);
    if (by_session)
      pair.session(true);
    else
      pair.light = true;
    pair.run(600ms, [&] { REQUIRE((pair.fits(0) && pair.fits(1))); });
    CHECK((pair.ends[0].late_over == 1 && pair.ends[1].late_over == 1));
    CHECK(pair.ends[0].blocked + pair.ends[1].blocked == 0);
  }
}

TEST_CASE("A rekey that an operator wants is made at once, without a gap, by the side that begins rekeys", "[rekey]") {
  Pair pair{7, {.hybrid = false, .ceiling_keys = 4, .rekey_interval = 60s}};
  auto& engine = *pair.ends[0].engine;
  CHECK_FALSE(engine.on_rekey_wanted(pair.now));  // without a session
  pair.session(true);
  pair.run(1s, [] {});
  REQUIRE((pair.fits(0) && pair.fits(1)));
  const auto before = engine.status().inbound->value;
  REQUIRE(engine.on_rekey_wanted(pair.now));
  REQUIRE(engine.on_rekey_wanted(pair.now));  // it is under way: no second key is taken
  pair.drain(0);
  pair.run(1s, [&] { REQUIRE((pair.fits(0) && pair.fits(1))); });
  CHECK(engine.status().rekeys == 1);
  CHECK(engine.status().inbound->value != before);
  CHECK_FALSE(engine.on_rekey_wanted(pair.now));  // the old receiving SA is still there
}

TEST_CASE("A rekey that an operator wants at the side that only answers is asked for there and made once", "[rekey]") {
  Pair pair{7, {.hybrid = false, .ceiling_keys = 4, .rekey_interval = 60s}};
  pair.session(true);
  pair.run(1s, [] {});
  auto& responder = *pair.ends[1].engine;
  REQUIRE(responder.on_rekey_wanted(pair.now));
  REQUIRE(responder.on_rekey_wanted(pair.now));
  pair.drain(1);
  pair.run(1s, [&] { REQUIRE((pair.fits(0) && pair.fits(1))); });
  CHECK(responder.status().rekeys == 1);
  CHECK(pair.ends[0].engine->status().rekeys == 1);
}

TEST_CASE("An engine that ends leaves no SA behind, whatever was under way", "[rekey]") {
  for (int moments = 0; moments < 400; ++moments) {
    Pair pair{9, {.hybrid = false, .ceiling_keys = 4, .rekey_interval = 100ms}};
    pair.session(true);
    for (int i = 0; i < moments; ++i) pair.run(1ms, [] {});
    for (std::size_t i = 0; i < 2; ++i) {
      pair.ends[i].engine->end();
      pair.drain(i);
      REQUIRE(pair.ends[i].inbound.empty());
      REQUIRE_FALSE(pair.ends[i].outbound);
    }
  }
}

TEST_CASE("A rekey that is wanted where no key is left is not tried again and again", "[rekey]") {
  Pair pair{8, {.hybrid = false, .ceiling_keys = 4, .rekey_interval = 60s}};
  pair.light = false;
  pair.add_block();
  pair.session(true);
  pair.run(6s, [] {});
  auto& engine = *pair.ends[0].engine;
  while (pair.ends[0].store.stock_keys(office) > 0) static_cast<void>(pair.ends[0].store.take_next(office));
  REQUIRE(engine.on_rekey_wanted(pair.now));
  pair.drain(0);
  pair.run(2s, [] {});
  CHECK(engine.status().rekeys == 0);
  CHECK(pair.ends[0].wake > pair.now);
}

TEST_CASE("Messages out of turn end the session", "[rekey]") {
  cloister::test::SeededRandom random{1};
  RekeyEngine engine{settings(false, false), random, beginning};
  const auto deliver = [&](RekeyMessage type, const std::vector<std::byte>& payload) {
    return engine.on_message(static_cast<std::uint8_t>(type), payload, beginning);
  };
  const auto offer = encode(Offer{5, {{3}, 4}, {0x1000}, {}});
  engine.on_session_up(beginning);
  CHECK_FALSE(deliver(RekeyMessage::offer, offer));
  REQUIRE(deliver(RekeyMessage::standing, encode(Standing{})));
  CHECK_FALSE(deliver(RekeyMessage::standing, encode(Standing{})));
  CHECK(deliver(RekeyMessage::offer, offer));
  CHECK_FALSE(deliver(RekeyMessage::offer, offer));
}

}  // namespace
}  // namespace cloister::vpn
