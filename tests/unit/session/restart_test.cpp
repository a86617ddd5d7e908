// Restarts on the sealed reserve: what comes back without a bootstrap, and what does not come back at all.
#include <catch2/catch_test_macros.hpp>
#include <format>

#include "tests/unit/session/boxes.hpp"

namespace cloister::session {
namespace {
using namespace std::chrono_literals;
using test::Boxes;
using test::copy_of;

TEST_CASE("A restarted box comes back on the sealed reserve without a bootstrap; so do both at once", "[session]") {
  for (const int who : {0, 1, 2}) {
    INFO("restarted: " << who);
    Boxes boxes;
    boxes.fill();
    const auto before = std::array{copy_of(boxes.pair.alice().vault), copy_of(boxes.pair.bob().vault)};
    boxes.pair.disconnect();
    if (who != 1) boxes.restart(0);
    if (who != 0) boxes.restart(1);
    boxes.reconnect();
    REQUIRE(boxes.both_saw("established qkd sealed"));
    CHECK(boxes.pair.alice().kept.empty());
    // One step of each counter, and no other write to the TPM.
    for (std::size_t i = 0; i < 2; ++i) {
      CHECK(boxes.pair.ends[i]->vault.own == before[i].own + 1);
      CHECK(boxes.pair.ends[i]->vault.granted == before[i].granted + 1);
    }
    const auto block = boxes.pair.alice().first_block;
    boxes.pair.make_block(block);
    CHECK(boxes.both_saw("held " + std::to_string(block) + " qkd"));
    // A lost connection opens no second chunk; and the reserve is made anew.
    boxes.reconnect();
    CHECK(boxes.both_saw("established qkd"));
    CHECK(boxes.pair.alice().vault.own == before[0].own + 1);
    boxes.pair.make_block(block + 1);
    boxes.pair.add_reserve(block + 1, 8192);
    CHECK(boxes.pair.alice().engine.status().sealed_chunks == 3);
    CHECK((boxes.pair.alice().alarms.empty() && boxes.pair.bob().alarms.empty()));
    boxes.pair.disconnect();
    boxes.restart(0);
    boxes.reconnect();
    CHECK(boxes.both_saw("established qkd sealed"));
  }
}

TEST_CASE("Each restart opens a chunk, and when none is left the boxes bootstrap", "[session]") {
  Boxes boxes;
  boxes.fill();
  for (int i = 0; i < 3; ++i) {
    boxes.pair.disconnect();
    boxes.restart(1);
    boxes.reconnect();
    CHECK(boxes.both_saw("established qkd sealed"));
  }
  boxes.pair.disconnect();
  boxes.restart(1);
  boxes.reconnect();
  CHECK(std::ranges::find(boxes.pair.bob().alarms, "SEALED_RESERVE_SPENT") != boxes.pair.bob().alarms.end());
  boxes.reconnect();
  CHECK(boxes.both_saw("established bootstrap"));
}

TEST_CASE("A box that is restarted again while the peer's TPM still moves for its last life is served the next chunk",
          "[session]") {
  for (const std::size_t who : {0U, 1U}) {
    INFO("restarted twice: " << who);
    Boxes boxes;
    boxes.fill();
    auto& peer = boxes.pair.ends[1 - who];
    boxes.pair.disconnect();
    boxes.restart(who);
    peer->slow_tpm = true;
    boxes.pair.connect();
    boxes.pair.settle();
    REQUIRE_FALSE(peer->vault_done.empty());  // it grants, and that takes its time
    boxes.pair.disconnect();
    boxes.restart(who);
    boxes.pair.connect();
    for (auto& end : boxes.pair.ends) end->events.clear();
    peer->slow_tpm = false;  // now it has, after the connection was made
    boxes.pair.drain(1 - who);
    boxes.pair.settle();
    CHECK(boxes.both_saw("established qkd sealed"));
    for (const auto& end : boxes.pair.ends) CHECK(end->alarms.empty());
  }
}

TEST_CASE("A connection that is cut at any moment of a restart costs one chunk, not one each time", "[session]") {
  for (int cut = 0; cut < 12; ++cut) {
    INFO("after " << cut << " deliveries");
    Boxes boxes;
    boxes.fill();
    boxes.pair.disconnect();
    boxes.restart(1);
    const auto own = boxes.pair.bob().vault.own;
    for (int tries = 0; tries < 20; ++tries) {
      boxes.pair.connect();
      for (int i = 0; i < cut; ++i) boxes.pair.pass(static_cast<std::size_t>(i % 2));
      boxes.pair.disconnect();
    }
    boxes.reconnect();
    CHECK((boxes.both_saw("established qkd sealed") || boxes.both_saw("established qkd")));
    CHECK(boxes.pair.bob().vault.own == own + 1);
  }
}

TEST_CASE("A snapshot of the disk that is put back is an alarm, and nothing of it is used", "[session]") {
  for (const std::size_t who : {0U, 1U}) {
    Boxes boxes;
    boxes.fill();
    const auto snapshot = copy_of(boxes.pair.ends[who]->vault);
    boxes.pair.disconnect();
    boxes.restart(who);
    boxes.reconnect();
    REQUIRE(boxes.both_saw("established qkd sealed"));
    boxes.pair.disconnect();

    SECTION("the disk alone: its own TPM knows " + std::to_string(who)) {
      auto restored = copy_of(snapshot);
      restored.own = boxes.pair.ends[who]->vault.own;
      restored.granted = boxes.pair.ends[who]->vault.granted;
      boxes.restart(who, std::move(restored));
      CHECK(boxes.pair.ends[who]->alarms == std::vector<std::string>{"RESERVE_ROLLED_BACK"});
      boxes.reconnect();
      CHECK(boxes.both_saw("established bootstrap"));
    }
    SECTION("disk and TPM: the peer knows " + std::to_string(who)) {
      boxes.restart(who, copy_of(snapshot));
      CHECK(boxes.pair.ends[who]->alarms.empty());
      boxes.reconnect();
      CHECK(std::ranges::find(boxes.pair.ends[who]->alarms, "RESERVE_ROLLED_BACK") !=
            boxes.pair.ends[who]->alarms.end());
      CHECK_FALSE(boxes.both_saw("established qkd sealed"));
      boxes.reconnect();
      CHECK(boxes.both_saw("established bootstrap"));
    }
    SECTION("the TPM alone: the disk knows " + std::to_string(who)) {
      auto restored = copy_of(boxes.pair.ends[who]->vault);
      restored.own = snapshot.own;
      restored.granted = snapshot.granted;
      boxes.restart(who, std::move(restored));
      CHECK(boxes.pair.ends[who]->alarms == std::vector<std::string>{"RESERVE_ROLLED_BACK"});
    }
  }
}

TEST_CASE("A peer whose counters are far ahead is not followed: the boxes bootstrap, and no chunk is opened",
          "[session]") {
  for (const std::uint64_t ahead : {std::uint64_t{4}, std::uint64_t{1000}, std::uint64_t{1} << 63U}) {
    for (const std::size_t who : {0U, 1U}) {
      INFO(ahead << " ahead at " << who);
      Boxes boxes;
      boxes.fill();
      boxes.pair.disconnect();
      const auto other = copy_of(boxes.pair.ends[1 - who]->vault);

      SECTION(std::format("its own counter {} {}", ahead, who)) {
        // As a TPM that was made anew behaves: its disk knows less, and says so.
        auto jumped = copy_of(boxes.pair.ends[who]->vault);
        jumped.own += ahead;
        boxes.restart(who, std::move(jumped));
        CHECK(boxes.pair.ends[who]->alarms == std::vector<std::string>{"RESERVE_ROLLED_BACK"});
        boxes.reconnect();
        CHECK(boxes.both_saw("established bootstrap"));
      }
      SECTION(std::format("what it has granted {} {}", ahead, who)) {
        auto jumped = copy_of(boxes.pair.ends[who]->vault);
        jumped.granted += ahead;
        boxes.restart(who, std::move(jumped));
        boxes.reconnect();
        const auto& alarms = boxes.pair.ends[1 - who]->alarms;
        CHECK(std::ranges::find(alarms, "RESERVE_ROLLED_BACK") != alarms.end());
        boxes.reconnect();
        CHECK(boxes.both_saw("established bootstrap"));
      }
      CHECK(boxes.pair.ends[1 - who]->vault.own == other.own);
      CHECK(boxes.pair.ends[1 - who]->vault.granted == other.granted);
      // And a new one is made from there.
      const auto block = boxes.pair.alice().first_block;
      boxes.pair.make_block(block);
      boxes.pair.add_reserve(block, 2432);
      boxes.pair.make_block(block + 1);
      boxes.pair.add_reserve(block + 1, 8192);
      boxes.pair.disconnect();
      boxes.restart(who);
      boxes.reconnect();
      CHECK(boxes.both_saw("established qkd sealed"));
    }
  }
}

TEST_CASE("A peer that is gone without a word is given up after 5 s, and comes back on the sealed reserve",
          "[session]") {
  for (const std::size_t who : {0U, 1U}) {
    Boxes boxes;
    boxes.fill();
    auto& left = *boxes.pair.ends[1 - who];
    boxes.restart(who);  // the other end of the connection notices nothing
    CHECK_FALSE(left.engine.may_be_displaced(boxes.pair.now));
    boxes.pair.now += 5s;
    left.engine.on_timer(boxes.pair.now);
    boxes.pair.drain(1 - who);
    CHECK(left.alarms == std::vector<std::string>{"PEER_SILENT"});
    CHECK(left.engine.may_be_displaced(boxes.pair.now));
    for (auto& end : boxes.pair.ends) end->events.clear();
    boxes.pair.connect();
    boxes.pair.settle();
    CHECK(boxes.both_saw("established qkd sealed"));
  }
}

TEST_CASE("A replayed greeting moves no counter, opens no chunk and wipes nothing", "[session]") {
  Boxes boxes;
  boxes.fill();
  boxes.pair.disconnect();
  boxes.restart(1);
  boxes.pair.connect();
  const auto greeting = boxes.pair.bob().outgoing;
  boxes.pair.settle();
  REQUIRE(boxes.both_saw("established qkd sealed"));
  boxes.pair.disconnect();
  const auto before = copy_of(boxes.pair.alice().vault);
  const auto reserve = boxes.pair.alice().engine.status().reserve_bits;
  for (int i = 0; i < 5; ++i) {
    boxes.pair.alice().engine.on_connected(boxes.pair.now);
    boxes.pair.alice().engine.on_received(greeting, boxes.pair.now);
    boxes.pair.drain(0);
    boxes.pair.alice().engine.on_disconnected("closed", boxes.pair.now);
    boxes.pair.drain(0);
  }
  CHECK(boxes.pair.alice().vault.own == before.own);
  CHECK(boxes.pair.alice().vault.granted == before.granted);
  CHECK(boxes.pair.alice().engine.status().reserve_bits == reserve);
  boxes.reconnect();
  CHECK(boxes.both_saw("established qkd"));
}

TEST_CASE("Restarts by the dozen are not served: what a counter is written is bounded", "[session]") {
  Boxes boxes;
  boxes.fill();
  std::uint64_t served = 0;
  const auto first = boxes.pair.alice().vault.granted;
  const auto first_alice_own = boxes.pair.alice().vault.own;
  const auto first_bob_granted = boxes.pair.bob().vault.granted;
  const auto first_bob_own = boxes.pair.bob().vault.own;
  for (int i = 0; i < 100; ++i) {
    boxes.pair.disconnect();
    boxes.restart(1);
    boxes.reconnect();
    if (!boxes.both_saw("established qkd sealed")) {
      boxes.reconnect();
      REQUIRE(boxes.both_saw("established bootstrap"));
    } else {
      ++served;
    }
    const auto block = boxes.pair.alice().first_block;
    boxes.pair.make_block(block);
    boxes.pair.add_reserve(block, 9216);
    boxes.pair.make_block(block + 1);
    boxes.pair.add_reserve(block + 1, 9216);
  }
  CHECK(served == 16);
  CHECK(boxes.pair.alice().vault.granted - first == 16);
  CHECK(boxes.pair.alice().vault.own - first_alice_own == 16);
  CHECK(boxes.pair.bob().vault.granted - first_bob_granted == 16);
  CHECK(boxes.pair.bob().vault.own - first_bob_own == 16);
}

TEST_CASE("A vault that fails leaves a link that bootstraps, and says so", "[session]") {
  Boxes boxes;
  boxes.fill();
  boxes.pair.disconnect();
  boxes.restart(1);
  boxes.pair.bob().fails = true;
  boxes.reconnect();
  CHECK(std::ranges::find(boxes.pair.bob().alarms, "SEALED_RESERVE_UNAVAILABLE") != boxes.pair.bob().alarms.end());
  boxes.reconnect();
  CHECK(boxes.both_saw("established bootstrap"));
}

TEST_CASE("Who has all pads of an opened chunk wasted gets a bootstrap from it, not a link that is down for ever",
          "[session]") {
  Boxes boxes{{}, Policy::its_only};
  boxes.fill();
  boxes.pair.disconnect();
  boxes.restart(1);
  boxes.reconnect();
  REQUIRE(boxes.both_saw("established qkd sealed"));
  // Each connection is cut when one tag of each box is on its way: four times, and a chunk has no more.
  for (int i = 0; i < 4; ++i) {
    const auto block = boxes.pair.alice().first_block;
    boxes.pair.begin_block(block);
    for (const std::size_t end : {0U, 1U}) boxes.pair.close_block(block, end);
    boxes.pair.pass(0);
    boxes.pair.pass(1);
    boxes.reconnect();
  }
  for (int i = 0; i < 3 && !boxes.both_saw("established bootstrap"); ++i) boxes.reconnect();
  CHECK(boxes.both_saw("established bootstrap"));
}

TEST_CASE("A vault that fails in a session leaves both boxes with equal pads, and no word of the peer's hurts",
          "[session]") {
  for (const std::size_t who : {0U, 1U}) {
    for (const std::string when : {"before it has greeted", "when it has greeted", "when bits are put away"}) {
      INFO("the vault of " << who << " fails " << when);
      Boxes boxes;
      boxes.pair.disconnect();
      auto& box = *boxes.pair.ends[who];
      box.slow = true;
      // Its first record is on its way to the disk.
      box.engine.restore({.record = {}, .own = box.vault.own, .granted = box.vault.granted, .problem = {}});
      boxes.pair.drain(who);
      const auto answers = [&](bool badly) {
        box.fails = badly;
        box.slow = false;
        boxes.pair.drain(who);
      };
      if (when.starts_with("before")) answers(true);
      boxes.pair.connect();
      boxes.pair.settle();
      if (when.starts_with("when it")) answers(true);
      if (when.starts_with("when bits")) answers(false);
      boxes.pair.settle();
      const auto block = boxes.pair.alice().first_block;
      boxes.pair.make_block(block);
      boxes.pair.add_reserve(block, 2432);
      boxes.pair.make_block(block + 1);
      boxes.pair.add_reserve(block + 1, 1024);
      boxes.pair.make_block(block + 2);
      box.slow = when.starts_with("when bits");
      boxes.pair.add_reserve(block + 2, 8192);
      if (box.slow) answers(true);
      for (std::uint64_t next = block + 3; next < block + 20; ++next) {
        boxes.pair.make_block(next);
        REQUIRE(boxes.both_saw("held " + std::to_string(next) + " qkd"));
      }
    }
  }
}

TEST_CASE("A record that is cut, longer or of another layout is refused with an alarm", "[session]") {
  Boxes boxes;
  boxes.fill();
  const auto whole = copy_of(boxes.pair.bob().vault);
  const auto refused = [&](KeptReserve kept) {
    SealedReserve sealed{{.chunks = 3, .pads = 4}};
    const auto problem = sealed.restore(kept);
    return problem.has_value() && sealed.offer().empty();
  };
  CHECK_FALSE(refused(copy_of(whole)));
  for (std::size_t length = 0; length < whole.record->size(); ++length) {
    auto cut = copy_of(whole);
    cut.record->resize(length);
    REQUIRE(refused(std::move(cut)));
  }
  auto longer = copy_of(whole);
  longer.record->push_back(std::byte{0});
  CHECK(refused(std::move(longer)));
  SealedReserve other{{.chunks = 4, .pads = 4}};
  CHECK(other.restore(whole));
}

}  // namespace
}  // namespace cloister::session
