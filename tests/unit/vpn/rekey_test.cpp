// Two rekey engines with their key stores under a virtual clock: make before break, through loss, delay, sessions that
// end and boxes that restart.
#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <ranges>
#include <set>

#include "appliance/keys/store.hpp"
#include "appliance/vpn/rekey.hpp"
#include "appliance/vpn/rekey_messages.hpp"
#include "tests/seeded_random.hpp"

namespace cloister::vpn {
namespace {
using namespace std::chrono_literals;

using KeyBytes = std::array<std::byte, SaKey::size>;

KeyBytes bytes_of(const SaKey& key) {
  KeyBytes bytes{};
  std::ranges::copy(key.expose(), bytes.begin());
  return bytes;
}

RekeySettings settings(bool initiator, bool hybrid) {
  return {.tunnel = "office",
          .local_box = initiator ? "alice" : "bob",
          .peer_box = initiator ? "bob" : "alice",
          .initiator = initiator,
          .hybrid = hybrid,
          .rekey_interval = 1s,
          .key_lifetime = 3s};
}

constexpr wire::TunnelId office{1};
constexpr Instant beginning{std::chrono::hours{1}};

/// Both ends, their SAs by SPI, and their stores, which new blocks fill while there is a session and light.
struct Pair {
  struct Conditions {
    bool hybrid = false;
    std::uint32_t ceiling_keys = 4;
    std::chrono::milliseconds rekey_interval{1s};
  };
  struct End {
    End(std::uint64_t seed, bool first, const Conditions& conditions)
        : random{std::make_unique<cloister::test::SeededRandom>(seed)},
          settings{vpn::settings(first, conditions.hybrid)},
          ceiling_keys{conditions.ceiling_keys},
          engine{std::make_unique<RekeyEngine>(adjusted(settings, conditions), *random, beginning)},
          store{{{office, "office", ceiling_keys}}} {}
    static const RekeySettings& adjusted(RekeySettings& settings, const Conditions& conditions) {
      settings.rekey_interval = conditions.rekey_interval;
      settings.key_lifetime = 3 * conditions.rekey_interval;
      return settings;
    }
    /// The service starts anew: it has lost all its memory.
    void restart(Instant now) {
      engine = std::make_unique<RekeyEngine>(settings, *random, now);
      store = keys::Store{{{office, "office", ceiling_keys}}};
      inbound.clear();
      outbound.reset();
      wake.reset();
    }
    std::unique_ptr<cloister::test::SeededRandom> random;
    RekeySettings settings;
    std::uint32_t ceiling_keys;
    std::unique_ptr<RekeyEngine> engine;
    keys::Store store;
    std::map<std::uint32_t, KeyBytes> inbound;
    std::optional<std::pair<std::uint32_t, KeyBytes>> outbound;
    std::optional<Instant> wake;
    int blocked = 0;
  };
  struct Message {
    Instant at;
    std::size_t to;
    std::uint8_t type;
    std::vector<std::byte> payload;
  };

  using Duration = std::chrono::steady_clock::duration;

  Instant now = beginning;
  bool up = false;
  bool light = true;
  std::uint64_t blocks = 0;
  Instant next_block = beginning;
  std::deque<Message> flight;
  std::mt19937_64 chance;
  std::array<End, 2> ends;
  Duration delay_most = 5ms;
  std::set<wire::KeyName> used;

  Pair(std::uint64_t seed, const Conditions& conditions)
      : chance{seed}, ends{End{4 * seed, true, conditions}, End{4 * seed + 1, false, conditions}} {}

  void drain(std::size_t i) {
    End& end = ends[i];
    while (auto action = end.engine->next_action()) {
      if (auto* send = std::get_if<SendMessage>(&*action)) {
        const auto delay =
            Duration{static_cast<Duration::rep>(chance() % static_cast<std::uint64_t>(delay_most.count()))};
        Instant at = now + delay;
        for (const auto& message : flight) {
          if (message.to == 1 - i) at = std::max(at, message.at);  // the channel keeps order
        }
        flight.push_back({at, 1 - i, send->type, send->payload});
      } else if (auto* need = std::get_if<NeedKey>(&*action)) {
        if (!need->name) {
          if (auto next = end.store.take_next(office)) {
            REQUIRE(used.insert(next->name).second);
            end.engine->on_key(next->name, std::move(next->key), now);
          } else {
            end.engine->on_no_key(now);
          }
        } else if (auto key = end.store.take(office, *need->name)) {
          end.engine->on_key(*need->name, std::move(*key), now);
        } else {
          end.engine->on_no_key(now);
        }
      } else if (auto* burn = std::get_if<BurnKeysBefore>(&*action)) {
        end.store.burn_before(office, burn->first);
      } else if (auto* in = std::get_if<InstallInbound>(&*action)) {
        end.inbound[in->spi.value] = bytes_of(in->key);
      } else if (auto* out = std::get_if<InstallOutbound>(&*action)) {
        end.outbound.emplace(out->spi.value, bytes_of(out->key));
      } else if (auto* retire = std::get_if<RetireInbound>(&*action)) {
        end.inbound.erase(retire->spi.value);
      } else if (std::holds_alternative<RetireOutbound>(*action)) {
        end.outbound.reset();
      } else if (auto* at = std::get_if<WakeAt>(&*action)) {
        end.wake = at->at;
      } else if (std::holds_alternative<TunnelBlocked>(*action)) {
        ++end.blocked;
      }
    }
  }

  /// What is sent now can be opened by the other end, under an equal key.
  [[nodiscard]] bool fits(std::size_t from) const {
    const auto& out = ends[from].outbound;
    if (!out) return false;
    const auto& inbound = ends[1 - from].inbound;
    const auto found = inbound.find(out->first);
    return found != inbound.end() && found->second == out->second;
  }

  /// A block of two keys, held by both.
  void add_block() {
    std::mt19937_64 generator{++blocks};
    crypto::SecretBits bits{2 * keys::key_bits};
    for (std::size_t i = 0; i < bits.size_bits(); ++i) bits.set(i, (generator() & 1U) != 0);
    const std::array needs{ends[0].store.needs(0), ends[1].store.needs(0)};
    for (std::size_t i = 0; i < 2; ++i)
      REQUIRE(ends[i].store.add({blocks}, bits.slice(0, bits.size_bits()), needs[i], needs[1 - i]));
  }

  /// As the link does it: a service that lost its memory leaves no block that both have.
  void restart(std::size_t i) {
    session(false);
    ends[i].restart(now);
    for (auto& end : ends) end.store.burn_all();
    session(true);
  }

  void session(bool goes_up) {
    up = goes_up;
    if (!up) flight.clear();
    for (std::size_t i = 0; i < 2; ++i) {
      if (up)
        ends[i].engine->on_session_up(now);
      else
        ends[i].engine->on_session_down(now);
      drain(i);
    }
  }

  void run(Duration span, auto check) {
    for (const Instant end = now + span; now < end; now += 1ms) {
      if (up && light && now >= next_block) {
        add_block();
        next_block = now + 300ms;
      }
      for (bool moved = true; moved;) {
        moved = false;
        const auto due = std::ranges::find_if(flight, [&](const Message& message) { return message.at <= now; });
        if (due == flight.end()) break;
        const Message message = *due;
        flight.erase(due);
        REQUIRE(ends[message.to].engine->on_message(message.type, message.payload, now));
        drain(message.to);
        moved = true;
      }
      for (std::size_t i = 0; i < 2; ++i) {
        if (!ends[i].wake || *ends[i].wake > now) continue;
        ends[i].wake.reset();
        ends[i].engine->on_timer(now);
        drain(i);
      }
      check();
    }
  }
};

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
