// What authentication costs when somebody wants it to cost much: messages dropped at the worst moment, forgeries by the
// million.
#include <catch2/catch_test_macros.hpp>
#include <cstdlib>

#include "appliance/session/frame.hpp"
#include "tests/unit/session/session_pair.hpp"

namespace cloister::session {
namespace {
using test::Bytes;
using test::Pair;

constexpr std::uint64_t pad_bits = 128;

/// Two boxes on QKD keys, with a reserve of that many pads in each direction.
Pair on_qkd_keys(std::size_t pads) {
  auto alice = test::settings_of("alice", "bob");
  auto bob = test::settings_of("bob", "alice");
  alice.policy = bob.policy = Policy::its_only;
  alice.reserve_bits = bob.reserve_bits = pads * 2 * pad_bits;
  Pair pair{1, std::move(alice), std::move(bob)};
  pair.connect();
  pair.settle();
  pair.make_block(1);
  pair.add_reserve(1, 384 + pads * 2 * pad_bits);
  REQUIRE(pair.alice().engine.status().authenticator == Authenticator::qkd);
  REQUIRE(pair.bob().engine.status().authenticator == Authenticator::qkd);
  return pair;
}

bool holds(const test::End& end, std::uint64_t block) { return end.saw("held " + std::to_string(block) + " qkd"); }

TEST_CASE("The last message of each of 1000 blocks is dropped: each costs a pad a direction at most, none is used",
          "[session]") {
  constexpr std::uint64_t blocks = 1000;
  Pair pair = on_qkd_keys(blocks + 100);
  std::uint64_t one_sided = 0;
  for (std::uint64_t block = 2; block < 2 + blocks; ++block) {
    INFO("block " << block);
    const std::size_t silent = block % 2;
    pair.begin_block(block);
    pair.close_block(block, 0);
    pair.close_block(block, 1);
    // Each end hears everything but, at the one, the other's last word.
    for (int i = 0; i < 10 && !holds(*pair.ends[silent], block); ++i) {
      pair.pass(1 - silent);
      if (!holds(*pair.ends[silent], block)) pair.pass(silent);
    }
    REQUIRE(holds(*pair.ends[silent], block));
    REQUIRE_FALSE(holds(*pair.ends[1 - silent], block));
    ++one_sided;
    pair.disconnect();
    pair.connect();
    pair.settle();
    REQUIRE((pair.alice().established() && pair.bob().established()));
    REQUIRE(pair.alice().kept == pair.bob().kept);
    REQUIRE(std::ranges::find(pair.alice().kept, BlockId{block}) == pair.alice().kept.end());
    for (auto& end : pair.ends) end->events.clear();
  }
  CHECK(one_sided == blocks);
  for (const auto& end : pair.ends) {
    CHECK(end->engine.status().pad_bits_spent == blocks * pad_bits);
    CHECK(end->engine.status().blocks_held + end->engine.status().blocks_burnt == blocks + 1);
    CHECK(end->alarms.empty());
  }
  pair.make_block(2 + blocks);
  CHECK((holds(pair.alice(), 2 + blocks) && holds(pair.bob(), 2 + blocks)));
}

TEST_CASE("After more blocks than a greeting names, the link still resumes on the keys of its first", "[session]") {
  constexpr std::uint64_t blocks = 1100;
  Pair pair = on_qkd_keys(blocks + 10);
  for (std::uint64_t block = 2; block < 2 + blocks; ++block) {
    pair.make_block(block);
    for (auto& end : pair.ends) end->events.clear();
  }
  for (int outage = 0; outage < 3; ++outage) {
    pair.disconnect();
    pair.connect();
    pair.settle();
    CHECK((pair.alice().saw("established qkd") && pair.bob().saw("established qkd")));
    const std::uint64_t next = pair.alice().first_block;
    pair.make_block(next);
    CHECK((holds(pair.alice(), next) && holds(pair.bob(), next)));
    for (auto& end : pair.ends) end->events.clear();
  }
  CHECK((pair.alice().alarms.empty() && pair.bob().alarms.empty()));
}

/// What a stranger knows of a greeting: everything that crosses the wire.
Bytes forged_greeting(const Bytes& recorded, std::mt19937_64& chance) {
  Bytes forged = recorded;
  for (int i = 0; i < 4; ++i) forged[4 + chance() % (forged.size() - 4)] = static_cast<std::byte>(chance());
  return forged;
}

TEST_CASE("Forged openings and frames, a million, spend no key bit, and leave the link able to resume on what it had",
          "[session]") {
  const char* fewer = std::getenv("CLOISTER_FORGERIES");  // for builds that are slow
  const std::uint64_t forgeries = fewer == nullptr ? 1'000'000 : std::strtoull(fewer, nullptr, 10);
  const std::uint64_t frames = forgeries / 10;
  const std::uint64_t openings = forgeries - frames;
  Pair pair = on_qkd_keys(8);
  const auto before = std::array{pair.alice().engine.status(), pair.bob().engine.status()};
  std::mt19937_64 chance{7};

  pair.disconnect();
  pair.connect();
  const Bytes recorded = pair.alice().outgoing;
  pair.disconnect();
  std::size_t answered_bytes_max = 0;
  for (std::uint64_t i = 0; i < openings; ++i) {
    pair.bob().engine.on_connected(pair.now);
    pair.bob().engine.on_received(forged_greeting(recorded, chance), pair.now);
    pair.drain(1);
    answered_bytes_max = std::max(answered_bytes_max, pair.bob().outgoing.size());
    REQUIRE_FALSE(pair.bob().established());
    pair.bob().engine.on_disconnected("closed", pair.now);
    pair.drain(1);
    pair.bob().outgoing.clear();
    pair.bob().alarms.clear();
  }
  CHECK(answered_bytes_max < 1000);

  // In the middle of a block: its tag, with random bytes for a MAC.
  for (std::uint64_t i = 0; i < frames; ++i) {
    pair.connect();
    pair.settle();
    REQUIRE(pair.bob().established());
    auto body = encode_body(FrameKind::tag, 2 + chance() % 4, {3 + i}, 0, Bytes(28));
    body.insert(body.end(), frame_mac_bytes, static_cast<std::byte>(chance()));
    const auto forged = seal_frame(body, nullptr);
    pair.bob().engine.on_received(forged, pair.now);
    pair.drain(1);
    REQUIRE_FALSE(pair.bob().established());
    pair.disconnect();
    for (auto& end : pair.ends) {
      end->events.clear();
      end->alarms.clear();
    }
  }

  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(pair.ends[i]->engine.status().pad_bits_spent == before[i].pad_bits_spent);
    CHECK(pair.ends[i]->engine.status().reserve_bits == before[i].reserve_bits);
  }
  pair.connect();
  pair.settle();
  CHECK(pair.alice().saw("established qkd"));
  const std::uint64_t next = pair.alice().first_block;
  pair.make_block(next);
  CHECK((holds(pair.alice(), next) && holds(pair.bob(), next)));
}

}  // namespace
}  // namespace cloister::session
