// Two rekey engines whose sessions end at any moment, and whose boxes restart.
#include <catch2/catch_test_macros.hpp>

#include "tests/unit/vpn/rekey_pair.hpp"

namespace cloister::vpn {
namespace {
using namespace std::chrono_literals;
using namespace rekey_pair;

TEST_CASE("Sessions that end at any moment leave no unequal keys and no SA beyond its lifetime", "[rekey]") {
  for (std::uint64_t seed = 100; seed < 200; ++seed) {
    INFO("seed " << seed);
    Pair pair{seed, {}};
    pair.delay_most = 40ms;
    pair.session(true);
    for (int i = 0; i < 6; ++i) {
      pair.run(std::chrono::milliseconds{pair.chance() % 1500}, [&] {
        for (std::size_t from = 0; from < 2; ++from) {
          const auto& out = pair.ends[from].outbound;
          if (!out) continue;
          const auto& inbound = pair.ends[1 - from].inbound;
          if (const auto found = inbound.find(out->first); found != inbound.end())
            REQUIRE(found->second == out->second);
        }
      });
      pair.session(false);
      pair.run(std::chrono::milliseconds{pair.chance() % 500}, [] {});
      pair.session(true);
    }
    pair.run(2s, [] {});
    CHECK((pair.fits(0) && pair.fits(1)));
    pair.session(false);
    pair.run(3100ms, [] {});
    CHECK_FALSE(pair.ends[0].outbound);
    CHECK(pair.ends[1].inbound.empty());
  }
}

TEST_CASE("However sessions end and boxes restart, both stocks agree again and every later key is used", "[rekey]") {
  for (const std::uint32_t ceiling : {1U, 2U, 5U}) {
    for (std::uint64_t seed = 200; seed < 240; ++seed) {
      INFO("seed " << seed << ", ceiling " << ceiling);
      Pair pair{seed, {.ceiling_keys = ceiling}};
      pair.delay_most = 40ms;
      pair.session(true);
      for (int i = 0; i < 6; ++i) {
        pair.run(std::chrono::milliseconds{pair.chance() % 1500}, [] {});
        pair.session(false);
        pair.run(std::chrono::milliseconds{pair.chance() % 300}, [] {});
        pair.session(true);
        if (pair.chance() % 3 == 0) pair.restart(pair.chance() % 2);
      }
      pair.run(2s, [] {});
      const auto rekeys = pair.ends[1].engine->status().rekeys;
      pair.run(5s, [] {});
      CHECK(pair.ends[1].engine->status().rekeys >= rekeys + 3);
      // At a time when no OFFER is on its way.
      pair.light = false;
      pair.run(200ms, [] {});
      for (int i = 0; i < 100 && !pair.flight.empty(); ++i) pair.run(1ms, [] {});
      CHECK(pair.ends[0].store.stock_keys(office) == pair.ends[1].store.stock_keys(office));
    }
  }
}

TEST_CASE("An OFFER that is lost with its session costs one key on both boxes", "[rekey]") {
  Pair pair{1, {.ceiling_keys = 2}};
  pair.light = false;
  pair.add_block();
  pair.session(true);
  pair.run(50ms, [] {});
  REQUIRE((pair.fits(0) && pair.fits(1)));
  pair.add_block();
  for (const std::uint32_t left : {1U, 0U}) {
    while (pair.ends[0].store.stock_keys(office) > left) pair.run(1ms, [] {});
    CHECK(pair.ends[1].store.stock_keys(office) == left + 1);
    pair.session(false);
    pair.session(true);
  }
  pair.run(20ms, [] {});
  CHECK(pair.ends[1].store.stock_keys(office) == 0);
  CHECK(pair.ends[1].store.balance().burnt_bits == 2 * keys::key_bits);
  pair.add_block();
  CHECK(pair.ends[0].store.stock_keys(office) == 2);
  CHECK(pair.ends[1].store.stock_keys(office) == 2);
}

TEST_CASE("With one key of stock a restarted initiator is served by the first block", "[rekey]") {
  Pair pair{1, {.ceiling_keys = 1}};
  pair.session(true);
  pair.run(5s, [] {});
  pair.light = false;
  pair.restart(0);
  pair.run(20ms, [] {});
  pair.add_block();
  pair.run(1s, [] {});
  CHECK((pair.fits(0) && pair.fits(1)));
}

TEST_CASE("A CONFIRM that is lost with its session stops no direction and costs no key, however long it is to the next",
          "[rekey]") {
  Pair pair{1, {.rekey_interval = 1h}};
  pair.session(true);
  while (!pair.ends[0].outbound) pair.run(1ms, [] {});
  REQUIRE_FALSE(pair.ends[1].outbound);
  REQUIRE(pair.fits(0));
  pair.session(false);
  pair.run(6s, [&] { REQUIRE(pair.fits(0)); });
  pair.session(true);
  pair.run(20ms, [&] { REQUIRE(pair.fits(0)); });
  CHECK(pair.fits(1));
  CHECK(pair.used.size() == 1);
  CHECK(pair.ends[1].engine->status().state == "up");
}

TEST_CASE("At whatever moment of a rekey a session ends, the next one restores both directions, also at long intervals",
          "[rekey]") {
  for (const auto moment : std::views::iota(0, 40)) {
    for (std::uint64_t seed = 300; seed < 305; ++seed) {
      INFO("seed " << seed << ", " << moment << " ms");
      Pair pair{seed, {.ceiling_keys = 1, .rekey_interval = 1h}};
      pair.delay_most = 10ms;
      pair.session(true);
      pair.run(std::chrono::milliseconds{moment}, [] {});
      pair.session(false);
      pair.run(std::chrono::milliseconds{pair.chance() % 7000}, [] {});
      pair.session(true);
      pair.run(1s, [] {});
      pair.run(100ms, [&] { REQUIRE((pair.fits(0) && pair.fits(1))); });
      CHECK(pair.ends[0].blocked + pair.ends[1].blocked == 0);
    }
  }
}

TEST_CASE("When one box restarts the other's tunnel says that it is blocked, and is up again with the next key",
          "[rekey]") {
  for (const std::size_t restarted : {0U, 1U}) {
    Pair pair{1, {.rekey_interval = 1h}};
    pair.session(true);
    pair.run(1s, [] {});
    REQUIRE((pair.fits(0) && pair.fits(1)));
    pair.light = false;
    pair.restart(restarted);
    pair.run(50ms, [] {});
    const auto& other = pair.ends[1 - restarted];
    CHECK(other.blocked == 1);
    CHECK(other.engine->status().state == "blocked");
    CHECK_FALSE(other.outbound);
    pair.light = true;
    pair.run(1s, [] {});
    CHECK((pair.fits(0) && pair.fits(1)));
  }
}

}  // namespace
}  // namespace cloister::vpn
