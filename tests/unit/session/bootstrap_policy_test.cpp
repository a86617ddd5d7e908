// Whether a link may bootstrap that has bootstrapped before: by itself, or when an operator allows it.
#include <catch2/catch_test_macros.hpp>

#include "tests/unit/session/boxes.hpp"

namespace cloister::session {
namespace {
using namespace std::chrono_literals;
using enum BootstrapAgain;
using test::Boxes;
using test::copy_of;

Awaited awaited(const test::End& end) { return end.engine.status().awaited; }
bool alarmed(const test::End& end, const std::string& code) { return std::ranges::contains(end.alarms, code); }

/// The box has lost its sealed reserve, and its TPM knows that it had one.
void lose_reserve(Boxes& boxes, std::size_t who) {
  auto kept = copy_of(boxes.pair.ends[who]->vault);
  kept.record.reset();
  kept.problem = "its record is gone";
  boxes.pair.disconnect();
  boxes.restart(who, std::move(kept));
}

TEST_CASE("A new link bootstraps by itself, and a restart on the sealed reserve asks no operator", "[session]") {
  Boxes boxes{{by_operator, by_operator}};
  boxes.fill();
  CHECK(boxes.both_saw("established bootstrap"));
  for (const int who : {0, 1, 2}) {
    boxes.pair.disconnect();
    if (who != 1) boxes.restart(0);
    if (who != 0) boxes.restart(1);
    boxes.reconnect();
    CHECK(boxes.both_saw("established qkd sealed"));
  }
  for (const auto& end : boxes.pair.ends) CHECK_FALSE(alarmed(*end, "BOOTSTRAP_WAITS"));
}

TEST_CASE("Whose bootstraps are its operator's waits for him, says so on both boxes, and bootstraps once for his word",
          "[session]") {
  for (const std::size_t waiting : {0U, 1U}) {
    for (const std::size_t loser : {0U, 1U}) {
      INFO(waiting << " waits, " << loser << " has lost its reserve");
      std::array<BootstrapAgain, 2> policies{};
      policies.at(waiting) = by_operator;
      Boxes boxes{policies};
      boxes.fill();
      lose_reserve(boxes, loser);
      auto& own = boxes.pair.ends[waiting];
      auto& peer = boxes.pair.ends[1 - waiting];
      CHECK_FALSE(own->engine.allow_bootstrap(boxes.pair.now));  // nobody knows yet that it will be needed
      for (int attempts = 0; attempts < 3; ++attempts) {
        boxes.reconnect();
        CHECK_FALSE(boxes.pair.alice().established());
        CHECK_FALSE(boxes.pair.bob().established());
        CHECK(awaited(*own) == Awaited::own_operator);
        CHECK(awaited(*peer) == Awaited::peers_operator);
      }
      for (const auto& end : boxes.pair.ends) {
        CHECK(std::ranges::count(end->alarms, "BOOTSTRAP_WAITS") == 1);
        CHECK(end->alarm_text.contains("'cloisterctl link bootstrap line'"));
      }
      const auto elsewhere = peer->engine.allow_bootstrap(boxes.pair.now);
      REQUIRE_FALSE(elsewhere);
      CHECK(elsewhere.error().message.contains("say it there"));

      REQUIRE(own->engine.allow_bootstrap(boxes.pair.now));
      CHECK(awaited(*own) == Awaited::nobody);
      const auto twice = own->engine.allow_bootstrap(boxes.pair.now);
      REQUIRE_FALSE(twice);
      CHECK(twice.error().message.contains("allowed already"));
      boxes.reconnect();
      CHECK(boxes.both_saw("established bootstrap"));
      CHECK(awaited(*peer) == Awaited::nobody);
      CHECK_FALSE(own->engine.allow_bootstrap(boxes.pair.now));

      // Lost before QKD keys have taken over: the next one needs the next word.
      boxes.reconnect();
      CHECK_FALSE(boxes.both_saw("established bootstrap"));
      CHECK(awaited(*own) == Awaited::own_operator);
    }
  }
}

TEST_CASE("Where both boxes wait, both operators must say it", "[session]") {
  Boxes boxes{{by_operator, by_operator}};
  boxes.fill();
  lose_reserve(boxes, 1);
  boxes.reconnect();
  REQUIRE(boxes.pair.alice().engine.allow_bootstrap(boxes.pair.now));
  boxes.reconnect();
  CHECK(awaited(boxes.pair.alice()) == Awaited::peers_operator);
  CHECK(awaited(boxes.pair.bob()) == Awaited::own_operator);
  REQUIRE(boxes.pair.bob().engine.allow_bootstrap(boxes.pair.now));
  boxes.reconnect();
  CHECK(boxes.both_saw("established bootstrap"));
}

TEST_CASE("An allowance ends with the process, and with a session that needed none", "[session]") {
  Boxes boxes{{by_operator, automatic}};
  boxes.fill();
  SECTION("a restart") {
    lose_reserve(boxes, 1);
    boxes.reconnect();
    REQUIRE(boxes.pair.alice().engine.allow_bootstrap(boxes.pair.now));
    boxes.pair.disconnect();
    boxes.restart(0);
    boxes.reconnect();
    CHECK(awaited(boxes.pair.alice()) == Awaited::own_operator);
  }
  SECTION("a session on QKD keys") {
    // A stranger's greeting makes it wait; then the peer comes, with its keys.
    auto kept = copy_of(boxes.pair.bob().vault);
    auto empty = copy_of(kept);
    empty.record.reset();
    boxes.pair.disconnect();
    boxes.restart(1, std::move(empty));
    boxes.reconnect();
    REQUIRE(boxes.pair.alice().engine.allow_bootstrap(boxes.pair.now));
    boxes.pair.disconnect();
    boxes.restart(1, std::move(kept));
    boxes.reconnect();
    REQUIRE(boxes.both_saw("established qkd sealed"));
    lose_reserve(boxes, 1);
    boxes.reconnect();
    CHECK(awaited(boxes.pair.alice()) == Awaited::own_operator);
  }
}

TEST_CASE("That a link has bootstrapped is known to a restarted box, and to one whose disk was put back", "[session]") {
  Boxes boxes{{by_operator, automatic}};
  const auto fresh = copy_of(boxes.pair.alice().vault);  // before the first one
  boxes.pair.connect();
  boxes.pair.settle();
  REQUIRE(boxes.both_saw("established bootstrap"));
  CHECK(boxes.pair.alice().vault.own == fresh.own + 1);
  boxes.pair.disconnect();
  SECTION("a restart before there was a reserve") { boxes.restart(0); }
  SECTION("the disk") {
    auto restored = copy_of(fresh);
    restored.own = boxes.pair.alice().vault.own;
    boxes.restart(0, std::move(restored));
    CHECK(alarmed(boxes.pair.alice(), "RESERVE_ROLLED_BACK"));
  }
  SECTION("the record is gone") { lose_reserve(boxes, 0); }
  boxes.reconnect();
  CHECK(awaited(boxes.pair.alice()) == Awaited::own_operator);
}

TEST_CASE("The first bootstrap's session begins when disk and TPM know of it, and costs no chunk of the reserve",
          "[session]") {
  Boxes boxes{{by_operator, automatic}};
  boxes.pair.alice().slow = true;
  boxes.pair.connect();
  boxes.pair.settle();
  CHECK_FALSE(boxes.pair.alice().established());
  CHECK(boxes.pair.bob().established());
  for (int seconds = 0; seconds < 8; ++seconds) {  // a slow TPM is no silence
    boxes.pair.wait(1s);
    boxes.pair.settle();
  }
  CHECK(boxes.pair.bob().established());
  // What the peer says meanwhile is heard then.
  boxes.pair.bob().engine.send_message(1, test::bytes_of("early"), boxes.pair.now);
  boxes.pair.drain(1);
  boxes.pair.settle();
  boxes.pair.alice().slow = false;
  boxes.pair.drain(0);
  CHECK(boxes.pair.alice().established());
  const auto block = boxes.pair.alice().first_block;
  boxes.pair.settle();
  boxes.pair.make_block(block);
  boxes.pair.add_reserve(block, 2432);
  boxes.pair.make_block(block + 1);
  boxes.pair.add_reserve(block + 1, 8192);
  for (int restarts = 0; restarts < 3; ++restarts) {
    boxes.pair.disconnect();
    boxes.restart(0);
    boxes.reconnect();
    CHECK(boxes.both_saw("established qkd sealed"));
  }
}

TEST_CASE("A TPM that does not count within 10 s is named by its own box, and the next connection tries again",
          "[session]") {
  Boxes boxes{{by_operator, automatic}};
  boxes.pair.alice().slow_tpm = true;
  boxes.pair.connect();
  boxes.pair.settle();
  for (int seconds = 0; seconds < 11; ++seconds) {
    boxes.pair.wait(1s);
    boxes.pair.settle();
  }
  CHECK(alarmed(boxes.pair.alice(), "TPM_SLOW"));
  CHECK_FALSE(alarmed(boxes.pair.bob(), "PEER_SILENT"));
  boxes.pair.alice().slow_tpm = false;
  boxes.pair.drain(0);
  boxes.reconnect();
  CHECK(boxes.both_saw("established bootstrap"));
}

/// The record as it was written before it said whether the link had been bootstrapped.
KeptReserve as_of_old(const KeptReserve& kept) {
  auto old = copy_of(kept);
  constexpr std::size_t flags_at = 2 + 4 + 4 + 3 * 8;
  constexpr std::byte peer_known{1};
  REQUIRE(old.record->size() > flags_at);
  (*old.record)[1] = std::byte{1};
  (*old.record)[flags_at] &= peer_known;
  return old;
}

TEST_CASE("A link of an older release counts as bootstrapped, however often it came back since", "[session]") {
  Boxes boxes{{by_operator, automatic}};
  boxes.fill();
  boxes.pair.disconnect();
  boxes.restart(0, as_of_old(boxes.pair.alice().vault));
  SECTION("at once") {}
  SECTION("after it came back on its sealed reserve") {
    boxes.restart(1);
    boxes.reconnect();
    REQUIRE(boxes.both_saw("established qkd sealed"));
    boxes.pair.disconnect();
    boxes.restart(0);
  }
  lose_reserve(boxes, 1);
  boxes.reconnect();
  CHECK(awaited(boxes.pair.alice()) == Awaited::own_operator);
}

TEST_CASE("A record that was asked for more than was granted is older than a bootstrap all the same", "[session]") {
  Boxes boxes{{by_operator, automatic}};
  boxes.fill();
  boxes.pair.disconnect();
  // The box notes how far its counter may go, asks, and gets no answer.
  boxes.restart(0);
  boxes.pair.bob().slow_tpm = true;
  boxes.reconnect();
  auto asked = copy_of(boxes.pair.alice().vault);
  boxes.pair.bob().slow_tpm = false;
  boxes.pair.drain(1);
  // Old enough not to say that bootstraps are noted: the next one is.
  boxes.restart(0, as_of_old(asked));
  lose_reserve(boxes, 1);
  REQUIRE(boxes.pair.alice().engine.status().awaited == Awaited::nobody);
  boxes.reconnect();
  REQUIRE(boxes.pair.alice().engine.allow_bootstrap(boxes.pair.now));
  boxes.reconnect();
  REQUIRE(boxes.both_saw("established bootstrap"));
  asked.own = boxes.pair.alice().vault.own;
  boxes.pair.disconnect();
  boxes.restart(0, std::move(asked));
  CHECK(alarmed(boxes.pair.alice(), "RESERVE_ROLLED_BACK"));
}

TEST_CASE("A peer that comes no more while an operator is awaited is called unreachable", "[session]") {
  Boxes boxes{{by_operator, automatic}};
  boxes.fill();
  lose_reserve(boxes, 1);
  boxes.reconnect();
  REQUIRE(awaited(boxes.pair.alice()) == Awaited::own_operator);
  boxes.pair.wait(11s);
  CHECK(alarmed(boxes.pair.alice(), "PEER_UNREACHABLE"));
}

TEST_CASE("Without a vault nothing is known of a link: it waits where an operator decides, and bootstraps where not",
          "[session]") {
  for (const bool fails_late : {false, true}) {
    Boxes boxes{{by_operator, automatic}};
    auto& alice = boxes.pair.ends[0];
    if (fails_late) {
      alice->fails = true;
    } else {
      alice = std::make_unique<test::End>(test::with_sealed("alice", "bob", by_operator), 7, 77, boxes.pair.now);
      boxes.pair.drain(0);
    }
    boxes.reconnect();
    if (fails_late) {
      CHECK(alarmed(*alice, "SEALED_RESERVE_UNAVAILABLE"));
      boxes.reconnect();
    }
    CHECK_FALSE(alice->established());
    CHECK(awaited(*alice) == Awaited::own_operator);
    REQUIRE(alice->engine.allow_bootstrap(boxes.pair.now));
    boxes.reconnect();
    CHECK(boxes.both_saw("established bootstrap"));
  }
  Boxes boxes;
  boxes.pair.alice().fails = true;
  boxes.reconnect();
  CHECK(boxes.both_saw("established bootstrap"));
}

TEST_CASE("A changed policy counts from the next bootstrap on", "[session]") {
  Boxes boxes{{by_operator, automatic}};
  boxes.fill();
  lose_reserve(boxes, 1);
  boxes.reconnect();
  CHECK(awaited(boxes.pair.alice()) == Awaited::own_operator);
  boxes.pair.alice().engine.follow(automatic);
  CHECK(awaited(boxes.pair.alice()) == Awaited::nobody);
  boxes.reconnect();
  CHECK(boxes.both_saw("established bootstrap"));
  boxes.pair.alice().engine.follow(by_operator);
  CHECK(boxes.pair.alice().established());
  lose_reserve(boxes, 1);
  boxes.reconnect();
  CHECK(awaited(boxes.pair.alice()) == Awaited::own_operator);
}

TEST_CASE("While an operator is awaited the client asks once in 5 s, and nobody calls the peer unreachable",
          "[session]") {
  Boxes boxes{{automatic, by_operator}};
  boxes.fill();
  lose_reserve(boxes, 0);
  for (int attempts = 0; attempts < 12; ++attempts) {
    boxes.pair.connect();
    boxes.pair.pass(1);
    boxes.pair.pass(0);
    CHECK(boxes.pair.alice().connects_at <= boxes.pair.now + 5s);
    CHECK((attempts < 6 || boxes.pair.alice().connects_at == boxes.pair.now + 5s));
    boxes.pair.wait(5s);
  }
  for (const auto& end : boxes.pair.ends) CHECK_FALSE(alarmed(*end, "PEER_UNREACHABLE"));
}

}  // namespace
}  // namespace cloister::session
