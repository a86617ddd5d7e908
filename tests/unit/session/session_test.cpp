// What authenticates the channel, and what becomes of a block whose last words are lost.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/unit/session/session_pair.hpp"

namespace cloister::session {
namespace {
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using test::Pair;
using test::settings_of;

TEST_CASE("Two boxes with one PSK bootstrap, and a block that both authenticate is held by both", "[session]") {
  Pair pair;
  pair.connect();
  pair.settle();
  REQUIRE((pair.alice().saw("established bootstrap") && pair.bob().saw("established bootstrap")));
  pair.make_block(1);
  CHECK((pair.alice().saw("held 1 bootstrap") && pair.bob().saw("held 1 bootstrap")));
  CHECK(pair.alice().held[1].first == test::bytes_of("note of 0"));
  CHECK(pair.alice().held[1].second == pair.bob().held[1].first);
  CHECK(pair.bob().held[1].second == pair.alice().held[1].first);
  CHECK(pair.alice().delivered.size() == 3);
  CHECK((pair.alice().alarms.empty() && pair.bob().alarms.empty()));
}

TEST_CASE(
    "When the reserve is filled both switch to QKD keys, later blocks are authenticated by them, and there is no way "
    "back",
    "[session]") {
  auto alice = settings_of("alice", "bob");
  auto bob = settings_of("bob", "alice");
  alice.policy = bob.policy = Policy::its_only;
  Pair pair{1, std::move(alice), std::move(bob)};
  pair.connect();
  pair.settle();
  pair.make_block(1);
  CHECK(pair.alice().engine.reserve_need().bits > 0);
  pair.add_reserve(1, 2432);
  CHECK((pair.alice().saw("switched") && pair.bob().saw("switched")));
  CHECK(pair.alice().engine.status().authenticator == Authenticator::qkd);
  pair.make_block(2);
  CHECK((pair.alice().saw("held 2 qkd") && pair.bob().saw("held 2 qkd")));
  CHECK(pair.alice().engine.status().pad_bits_spent == 128U);
  CHECK(pair.bob().engine.status().pad_bits_spent == 128U);

  SECTION("a lost connection resumes on QKD keys, without the PSK, and keeps what both hold") {
    pair.disconnect();
    pair.connect();
    pair.settle();
    CHECK((pair.alice().saw("established qkd") && pair.bob().saw("established qkd")));
    CHECK(pair.alice().kept == std::vector<BlockId>{{1}, {2}});
    CHECK(pair.bob().kept == pair.alice().kept);
    CHECK(pair.alice().first_block == 3);
    pair.make_block(3);
    CHECK((pair.alice().saw("held 3 qkd") && pair.bob().saw("held 3 qkd")));
  }
  SECTION(
      "each block costs one pad in each direction, and an empty reserve is an alarm, not a way back to older keys") {
    for (std::uint64_t block = 3; pair.alice().established() && block < 40; ++block) pair.make_block(block);
    CHECK(std::ranges::find(pair.alice().alarms, "RESERVE_EMPTY") != pair.alice().alarms.end());
    CHECK_FALSE(pair.alice().established());
    CHECK_FALSE(pair.bob().established());
  }
  SECTION("when one box finds the reserve empty before the other does, both begin anew alike") {
    std::uint64_t block = 3;
    while (pair.alice().engine.status().reserve_bits > 384) pair.make_block(block++);
    pair.begin_block(block);
    pair.close_block(block, 1);
    pair.pass(1);
    pair.close_block(block, 0);  // Alice's tag would be next
    REQUIRE(pair.alice().alarms == std::vector<std::string>{"RESERVE_EMPTY"});
    REQUIRE(pair.bob().alarms.empty());
    pair.disconnect();
    for (auto& end : pair.ends) end->events.clear();
    pair.connect();
    pair.settle();
    REQUIRE((pair.alice().saw("established bootstrap") && pair.bob().saw("established bootstrap")));
    const std::uint64_t next = pair.alice().first_block;
    pair.make_block(next);
    pair.add_reserve(next, 2432);
    REQUIRE((pair.alice().saw("switched") && pair.bob().saw("switched")));
    pair.make_block(next + 1);
    CHECK((pair.alice().saw("held " + std::to_string(next + 1) + " qkd") &&
           pair.bob().saw("held " + std::to_string(next + 1) + " qkd")));
  }
  SECTION("when one box has spent its reserve and the other has not, both bootstrap anew and fill it again") {
    for (auto& end : pair.ends) end->events.clear();
    for (std::uint64_t block = 3; !pair.alice().saw("established bootstrap") && block < 40; ++block) {
      // The connection ends before Bob sends his tag: only Alice pays.
      pair.begin_block(block);
      pair.close_block(block, 1);
      pair.pass(1);
      pair.close_block(block, 0);
      pair.disconnect();
      pair.connect();
      pair.settle();
    }
    REQUIRE((pair.alice().saw("established bootstrap") && pair.bob().saw("established bootstrap")));
    const std::uint64_t next = pair.alice().first_block;
    pair.make_block(next);
    REQUIRE((pair.alice().saw("held " + std::to_string(next) + " bootstrap") &&
             pair.bob().saw("held " + std::to_string(next) + " bootstrap")));
    pair.add_reserve(next, 2432);
    CHECK((pair.alice().saw("switched") && pair.bob().saw("switched")));
  }
}

TEST_CASE("Losing the last message of a block costs the block on both boxes", "[session]") {
  for (const std::size_t silent : {0U, 1U}) {
    INFO("what " << silent << " says last is lost");
    Pair pair;
    pair.connect();
    pair.settle();
    pair.make_block(1);
    pair.begin_block(2);
    pair.close_block(2, 0);
    pair.close_block(2, 1);
    // CLOSE, TAG and VERIFIED cross until the one end has heard all; its own last word does not arrive.
    for (int i = 0; i < 10 && !pair.ends[silent]->saw("held 2 bootstrap"); ++i) {
      pair.pass(1 - silent);
      if (!pair.ends[silent]->saw("held 2 bootstrap")) pair.pass(silent);
    }
    REQUIRE(pair.ends[silent]->saw("held 2 bootstrap"));
    REQUIRE_FALSE(pair.ends[1 - silent]->saw("held 2 bootstrap"));
    pair.disconnect();
    CHECK(pair.ends[1 - silent]->saw("burnt 2"));
    pair.connect();
    pair.settle();
    REQUIRE((pair.alice().established() && pair.bob().established()));
    CHECK(pair.ends[silent]->kept == std::vector<BlockId>{{1}});  // block 2 is not among them: its owner burns it
    CHECK(pair.ends[1 - silent]->kept == pair.ends[silent]->kept);
    CHECK(pair.alice().first_block == 3);
  }
}

TEST_CASE("A wrong PSK is refused on both boxes, and both are told", "[session]") {
  Pair pair{1, settings_of("alice", "bob"), settings_of("bob", "alice"), 7, 8};
  pair.connect();
  pair.settle();
  CHECK_FALSE((pair.alice().established() || pair.bob().established()));
  CHECK(pair.alice().alarms == std::vector<std::string>{"BOOTSTRAP_REFUSED"});
  CHECK(pair.bob().alarms == std::vector<std::string>{"BOOTSTRAP_REFUSED"});
  CHECK_THAT(pair.alice().alarm_text, ContainsSubstring("PSK"));
}

TEST_CASE("A box that is not the one that was meant is refused", "[session]") {
  const auto refused = [](Settings alice, Settings bob, const std::string& code) {
    Pair pair{1, std::move(alice), std::move(bob)};
    pair.connect();
    pair.settle();
    CHECK_FALSE((pair.alice().established() || pair.bob().established()));
    CHECK(std::ranges::find(pair.alice().alarms, code) != pair.alice().alarms.end());
  };
  refused(settings_of("alice", "bob"), settings_of("carol", "alice"), "PEER_PROTOCOL");
  refused(settings_of("alice", "bob"), settings_of("bob", "carol"), "PEER_PROTOCOL");
  auto other_link = settings_of("bob", "alice");
  other_link.link = "another";
  refused(settings_of("alice", "bob"), other_link, "PEER_PROTOCOL");
  auto other_agreement = settings_of("bob", "alice");
  other_agreement.agreement = "block_bits=1000\nhybrid=false\n";
  refused(settings_of("alice", "bob"), other_agreement, "AGREEMENT_DIFFERS");
}

TEST_CASE("A box that hears its own words reflected does not talk to itself", "[session]") {
  for (const std::size_t end : {0U, 1U}) {
    Pair pair;
    pair.connect();
    for (int i = 0; i < 10; ++i) {
      auto words = std::exchange(pair.ends[end]->outgoing, {});
      if (words.empty()) break;
      pair.ends[end]->engine.on_received(words, pair.now);
      pair.drain(end);
    }
    CHECK_FALSE(pair.ends[end]->established());
    CHECK(pair.ends[end]->alarms == std::vector<std::string>{"PEER_PROTOCOL"});
  }
}

TEST_CASE("A TLS flight of one connection is worth nothing in the next", "[session]") {
  Pair pair;
  pair.connect();
  test::Bytes greeting_and_hello;
  for (int i = 0; i < 20 && !pair.bob().established(); ++i) {
    greeting_and_hello.insert(greeting_and_hello.end(), pair.alice().outgoing.begin(), pair.alice().outgoing.end());
    pair.pass(0);
    pair.pass(1);
  }
  REQUIRE(pair.bob().established());
  pair.disconnect();
  pair.connect();
  pair.bob().engine.on_received(greeting_and_hello, pair.now);  // all that alice said then, in one go
  pair.drain(1);
  CHECK_FALSE(pair.bob().established());
  CHECK_FALSE(pair.bob().alarms.empty());
}

TEST_CASE("Silence is noticed: before the bootstrap is done after 10 s, later after 5 s; an absent peer after 10 s",
          "[session]") {
  Pair pair;
  pair.connect();
  pair.wait(10s);
  CHECK(pair.bob().alarms == std::vector<std::string>{"PEER_SILENT"});

  Pair living;
  living.connect();
  living.settle();
  for (int i = 0; i < 20; ++i) {
    living.wait(1s);
    living.settle();
  }
  CHECK(living.alice().established());  // keep-alives
  for (int i = 0; i < 6; ++i) living.wait(1s);
  CHECK(living.alice().alarms == std::vector<std::string>{"PEER_SILENT"});

  Pair absent;
  absent.wait(11s);
  CHECK(absent.alice().alarms == std::vector<std::string>{"PEER_UNREACHABLE"});
  absent.wait(11s);
  CHECK(absent.alice().alarms.size() == 1);  // once per outage
}

TEST_CASE("A service that was restarted bootstraps anew, and nothing of its former life is kept", "[session]") {
  Pair pair;
  pair.connect();
  pair.settle();
  pair.make_block(1);
  pair.add_reserve(1, 2432);
  pair.disconnect();
  pair.ends[1] = std::make_unique<test::End>(settings_of("bob", "alice"), 7, 99, pair.now);
  pair.drain(1);
  pair.connect();
  pair.settle();
  CHECK(pair.bob().saw("established bootstrap"));
  CHECK(pair.alice().kept.empty());
  CHECK(pair.alice().first_block == 2);
  pair.make_block(2);
  CHECK((pair.alice().saw("held 2 bootstrap") && pair.bob().saw("held 2 bootstrap")));
}

TEST_CASE("A peer that is not there is asked four times a second; one that connects and fails, ever more rarely",
          "[session]") {
  Pair pair;
  auto& engine = pair.alice().engine;
  const auto wait_before_connecting = [&]() -> std::optional<Instant::duration> {
    std::optional<Instant::duration> wait;
    while (auto action = engine.next_action()) {
      if (const auto* connect = std::get_if<Connect>(&*action)) wait = connect->not_before - pair.now;
    }
    return wait;
  };
  for (int i = 0; i < 50; ++i) {
    engine.on_disconnected("connection refused", pair.now);
    CHECK(wait_before_connecting() == Instant::duration{250ms});
  }
  for (Instant::duration expected = 250ms; expected < 30s; expected *= 2) {
    engine.on_connected(pair.now);
    engine.on_disconnected("closed", pair.now);
    CHECK(wait_before_connecting() == expected);
  }
  engine.on_connected(pair.now);
  engine.on_disconnected("closed", pair.now);
  CHECK(wait_before_connecting() == Instant::duration{30s});
}

TEST_CASE("Only a connection whose peer has proven nothing and is silent gives way to a new one", "[session]") {
  Pair pair;
  auto& server = pair.bob().engine;
  CHECK(server.may_be_displaced(pair.now));
  pair.connect();
  CHECK_FALSE(server.may_be_displaced(pair.now));
  CHECK(server.may_be_displaced(pair.now + 1s));
  pair.pass(0);  // the client's greeting
  pair.pass(1);
  pair.now += 900ms;
  pair.pass(0);  // its first flight
  CHECK(server.status().state == "bootstrapping");
  CHECK_FALSE(server.may_be_displaced(pair.now + 900ms));
  CHECK(server.may_be_displaced(pair.now + 1s));
  pair.settle();
  REQUIRE(pair.bob().established());
  CHECK_FALSE(server.may_be_displaced(pair.now + 1h));
}

TEST_CASE("A connection that is lost during the bootstrap is not called another PSK", "[session]") {
  Pair pair;
  pair.connect();
  pair.pass(0);
  pair.pass(1);
  pair.pass(0);
  for (auto& end : pair.ends) end->engine.on_disconnected("connection reset by peer", pair.now);
  for (auto& end : pair.ends) {
    CHECK_THAT(end->engine.status().last_error,
               ContainsSubstring("lost before the session began: connection reset by peer"));
    CHECK(end->alarms.empty());
  }
}

TEST_CASE("An abandoned block costs nothing, and its number is not used again", "[session]") {
  Pair pair;
  pair.connect();
  pair.settle();
  pair.begin_block(1);
  pair.alice().engine.abandon_block({1});
  pair.bob().engine.abandon_block({1});
  pair.make_block(2);
  CHECK((pair.alice().saw("held 2 bootstrap") && pair.bob().saw("held 2 bootstrap")));
  CHECK_FALSE(pair.alice().saw("burnt 1"));
}

}  // namespace
}  // namespace cloister::session
