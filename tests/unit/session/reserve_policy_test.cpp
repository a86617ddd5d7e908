// What each policy does when blocks are lost at their very end, where they cost pads, and what authenticated those that
// are not.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/unit/session/boxes.hpp"

namespace cloister::session {
namespace {
using Catch::Matchers::ContainsSubstring;
using test::Pair;
using test::settings_of;

constexpr std::size_t pads_at_first = 16;
constexpr std::size_t low_mark = 4;
constexpr std::uint64_t key_bits = 384;
constexpr std::uint64_t pad_bits = 128;

Settings with(Policy policy, std::string local, std::string peer) {
  auto settings = settings_of(std::move(local), std::move(peer));
  settings.policy = policy;
  settings.reserve_bits = pads_at_first * 2 * pad_bits;
  return settings;
}

struct Link {
  explicit Link(Policy policy) : pair{1, with(policy, "alice", "bob"), with(policy, "bob", "alice")} {
    pair.connect();
    pair.settle();
    pair.make_block(next());
    pair.add_reserve(1, key_bits + pads_at_first * 2 * pad_bits);
    forget();
  }
  Pair pair;
  std::uint64_t newest = 0;

  std::uint64_t next() { return ++newest; }
  void forget() {
    for (auto& end : pair.ends) end->events.clear();
  }
  /// What authenticated the block on both boxes; "apart" where they differ, "" where it is not held.
  std::string made() {
    const auto block = next();
    pair.make_block(block);
    return held(block);
  }
  /// And what the boxes lacked when they closed it goes to the reserve.
  std::string made_and_filled() {
    const auto needs = pair.reserve_needs();
    auto by = made();
    if (by == "qkd") pair.fill_reserve(newest, needs);
    return by;
  }
  std::string held(std::uint64_t block) {
    std::array<std::string, 2> by;
    for (std::size_t i = 0; i < 2; ++i)
      for (const std::string one : {"bootstrap", "qkd", "computational"})
        if (pair.ends[i]->saw("held " + std::to_string(block) + " " + one)) by[i] = one;
    return by[0] == by[1] ? by[0] : "apart";
  }
  /// The connection is cut when both tags are on their way, but where they cost no pads.
  std::string lost_if_paid() {
    const auto before = pads_left();
    const auto block = next();
    pair.begin_block(block);
    pair.close_block(block, 0);
    pair.close_block(block, 1);
    pair.pass(0);
    pair.pass(1);
    if (pads_left() == before) {
      pair.settle();
      return held(block);
    }
    reconnect();
    return "lost";
  }
  void reconnect() {
    pair.disconnect();
    pair.connect();
    pair.settle();
    newest = std::max(newest, pair.alice().first_block - 1);
  }
  /// As Alice knows it, who has seen Bob's tags.
  [[nodiscard]] std::uint64_t pads_left() {
    return (pair.alice().engine.status().reserve_bits - key_bits) / (2 * pad_bits);
  }
  [[nodiscard]] bool both_saw(const std::string& event) { return pair.alice().saw(event) && pair.bob().saw(event); }
  [[nodiscard]] bool both_established() { return pair.alice().established() && pair.bob().established(); }
};

TEST_CASE("its-preferred: below the low mark a lost block makes the next computational on both, which says so",
          "[session]") {
  Link link{Policy::its_preferred};
  for (std::size_t lost = 0; lost < pads_at_first - low_mark; ++lost) {
    REQUIRE(link.lost_if_paid() == "lost");
    REQUIRE(link.pair.alice().alarms.empty());
  }
  CHECK(link.pads_left() == low_mark);
  CHECK(link.lost_if_paid() == "lost");
  REQUIRE(link.both_established());
  CHECK(link.made() == "computational");
  CHECK(link.pads_left() == low_mark - 1);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(link.pair.ends[i]->alarms == std::vector<std::string>{"AUTHENTICATION_LOWERED"});
    CHECK_THAT(link.pair.ends[i]->alarm_text, ContainsSubstring("3 pads are left for this box's tags"));
    CHECK(link.pair.ends[i]->saw("by computational"));
    CHECK(link.pair.ends[i]->engine.status().authenticator == Authenticator::computational);
    CHECK(link.pair.ends[i]->engine.status().blocks_computational == 1);
  }
  SECTION("the next is tried with pads; that it is held ends it, and what it gives fills the reserve") {
    CHECK(link.made_and_filled() == "qkd");
    CHECK_FALSE(link.both_saw("by qkd"));  // each knows that it holds the block, and not yet that the other does
    CHECK(link.pads_left() == pads_at_first);
    for (int i = 0; i < 8; ++i) CHECK(link.made() == "qkd");
    CHECK(link.both_saw("by qkd"));
    CHECK(link.pair.alice().engine.status().authenticator == Authenticator::qkd);
    CHECK(link.pair.alice().alarms.size() == 1);
  }
  SECTION("a session that is lost meanwhile resumes as what it was") {
    link.forget();
    link.reconnect();
    CHECK(link.both_saw("established computational"));
    CHECK(link.made() == "qkd");
    link.pair.add_reserve(link.newest, 2 * pad_bits);
    link.forget();
    link.reconnect();
    CHECK(link.both_saw("established qkd"));  // both hold the block, so the try is known to have succeeded
  }
}

TEST_CASE(
    "its-preferred: who makes one of the boxes spend alone gains no more by it: its direction is filled, the other not",
    "[session]") {
  for (const std::size_t spender : {0U, 1U}) {
    Link link{Policy::its_preferred};
    const auto spent = [&](std::size_t i) { return link.pair.ends[i]->engine.status().pad_bits_spent / pad_bits; };
    while (spent(spender) <= pads_at_first - low_mark) {
      const auto before = spent(spender);
      const auto block = link.next();
      link.pair.begin_block(block);
      link.pair.close_block(block, 0);
      link.pair.close_block(block, 1);
      link.pair.pass(1 - spender);  // so the spender has both words; the other hears nothing more
      REQUIRE(spent(spender) == before + 1);
      link.reconnect();
    }
    CHECK(spent(1 - spender) == 0);
    CHECK(link.made() == "computational");
    for (int i = 0; i < 8; ++i) {
      CHECK(link.made_and_filled() == "qkd");
      for (const auto& end : link.pair.ends) {
        const auto pads = (end->engine.status().reserve_bits - key_bits) / pad_bits;
        CHECK(pads >= 2 * pads_at_first);
        CHECK(pads <= 2 * pads_at_first + 1);
      }
    }
    CHECK(link.both_saw("by qkd"));
  }
}

TEST_CASE("A full reserve asks for the pads that a block itself will cost, and is full when it is held", "[session]") {
  Link link{Policy::its_preferred};
  for (int i = 0; i < 4; ++i) {
    for (const auto& end : link.pair.ends) CHECK(end->engine.reserve_need().pads == 1);
    CHECK(link.made_and_filled() == "qkd");
    CHECK(link.pads_left() == pads_at_first);
  }
}

TEST_CASE("its-preferred: a block that only one box holds is a lost one, whichever box that is", "[session]") {
  Link link{Policy::its_preferred};
  while (link.pads_left() >= low_mark) REQUIRE(link.lost_if_paid() == "lost");
  std::uint64_t computational = 0;
  std::size_t silent = 0;
  for (std::uint64_t left = link.pads_left(); left > 0; left = link.pads_left()) {
    const auto block = link.next();
    link.pair.begin_block(block);
    link.pair.close_block(block, 0);
    link.pair.close_block(block, 1);
    for (int i = 0; i < 10 && !link.pair.ends[silent]->saw("held " + std::to_string(block) + " qkd"); ++i) {
      link.pair.pass(1 - silent);
      if (!link.pair.ends[silent]->saw("held " + std::to_string(block) + " qkd")) link.pair.pass(silent);
    }
    if (link.pads_left() == left) {
      link.pair.settle();
      REQUIRE(link.held(block) == "computational");
      ++computational;
      continue;
    }
    silent = 1 - silent;
    link.reconnect();
  }
  CHECK(computational == (1U << (low_mark - 1U)) - 1);
  for (const auto& end : link.pair.ends) CHECK_FALSE(end->saw("by qkd"));
}

TEST_CASE(
    "its-preferred: blocks that bring less than their tags cost take few pads, as lost ones, and one that pays fills "
    "it",
    "[session]") {
  Link link{Policy::its_preferred};
  std::uint64_t paid = 0;
  for (int i = 0; i < 20; ++i)
    if (link.made() == "qkd") ++paid;
  CHECK(paid < pads_at_first);
  CHECK(link.pads_left() > 0);
  CHECK(link.pair.alice().alarms == std::vector<std::string>{"AUTHENTICATION_LOWERED"});
  int blocks = 0;
  while (link.made_and_filled() != "qkd" && blocks < 60) ++blocks;
  for (int i = 0; i < 8; ++i) CHECK(link.made() == "qkd");
  CHECK(link.both_saw("by qkd"));
}

TEST_CASE("its-preferred: a restart of a link at peace, on a chunk smaller than the low mark, lowers nothing",
          "[session]") {
  for (const std::size_t restarted : {0U, 1U}) {
    test::Boxes boxes{{}, Policy::its_preferred, 64 * 2 * pad_bits};
    boxes.fill();
    boxes.pair.make_block(boxes.pair.alice().first_block + 2);
    REQUIRE(boxes.pair.alice().engine.status().pad_bits_spent > 0);
    boxes.pair.disconnect();
    boxes.restart(restarted);
    boxes.reconnect();
    REQUIRE(boxes.both_saw("established qkd sealed"));
    const auto block = boxes.pair.alice().first_block;
    boxes.pair.make_block(block);
    CHECK(boxes.both_saw("held " + std::to_string(block) + " qkd"));
    for (const auto& end : boxes.pair.ends) CHECK(end->alarms.empty());
  }
}

TEST_CASE("computational: pads outlive any number of blocks that bring none", "[session]") {
  Link link{Policy::computational};
  const auto before = link.pads_left();
  for (int i = 0; i < 1500; ++i) link.made();
  link.reconnect();
  CHECK(link.both_established());
  CHECK(link.pads_left() == before);
}

TEST_CASE("its-preferred: who loses each block that pads pay for wins one pad for each doubling of blocks",
          "[session]") {
  Link link{Policy::its_preferred};
  while (link.pads_left() >= low_mark) REQUIRE(link.lost_if_paid() == "lost");
  std::uint64_t computational = 0;
  while (link.pads_left() > 0) {
    REQUIRE(link.both_established());
    const auto ended = link.lost_if_paid();
    if (ended == "lost") continue;
    REQUIRE(ended == "computational");
    ++computational;
  }
  CHECK(computational == (1U << (low_mark - 1U)) - 1);

  // Without any, blocks are made on, a connection resumes, and nothing that they give goes to the reserve.
  for (int outage = 0; outage < 3; ++outage) {
    link.forget();
    link.reconnect();
    REQUIRE(link.both_saw("established computational"));
    for (int block = 0; block < 10; ++block) CHECK(link.made() == "computational");
  }
  CHECK(link.pair.alice().alarms == std::vector<std::string>{"AUTHENTICATION_LOWERED", "AUTHENTICATION_LOWERED"});
  CHECK_THAT(link.pair.alice().alarm_text,
             ContainsSubstring("no pad is left for this box's tags, so that only a restart"));
  CHECK_FALSE(link.pair.alice().engine.feeds_reserve(Authenticator::computational));
  CHECK(link.pair.alice().engine.feeds_reserve(Authenticator::qkd));
}

TEST_CASE("its-only: no block is ever authenticated otherwise; a spent reserve ends in a bootstrap, and says so",
          "[session]") {
  Link link{Policy::its_only};
  for (std::size_t lost = 0; lost + 1 < pads_at_first; ++lost) REQUIRE(link.lost_if_paid() == "lost");
  REQUIRE(link.pads_left() == 1);
  CHECK(link.made() == "qkd");
  CHECK(link.made().empty());
  CHECK((std::ranges::contains(link.pair.alice().alarms, "RESERVE_EMPTY") ||
         std::ranges::contains(link.pair.bob().alarms, "RESERVE_EMPTY")));
  CHECK(link.pair.alice().engine.status().blocks_computational == 0);
  CHECK(link.pair.alice().engine.status().authenticator == Authenticator::none);
}

TEST_CASE("its-only: a peer that would not pay breaks the protocol", "[session]") {
  Pair pair{1, with(Policy::its_only, "alice", "bob"), with(Policy::computational, "bob", "alice")};
  pair.connect();
  pair.settle();
  pair.make_block(1);
  pair.add_reserve(1, key_bits + pads_at_first * 2 * pad_bits);
  pair.make_block(2);
  CHECK(pair.alice().alarms == std::vector<std::string>{"PEER_PROTOCOL"});
  CHECK_FALSE((pair.alice().saw("held 2 qkd") || pair.bob().saw("held 2 computational")));
}

TEST_CASE("computational: no pad is spent on any block, no alarm is raised, and the label says it", "[session]") {
  Link link{Policy::computational};
  CHECK(link.pair.alice().engine.status().authenticator == Authenticator::computational);
  const auto before = link.pads_left();
  for (int i = 0; i < 40; ++i) CHECK(link.made() == "computational");
  link.reconnect();
  CHECK(link.both_established());
  CHECK(link.made() == "computational");
  CHECK(link.pads_left() == before);
  CHECK(link.pair.alice().engine.status().pad_bits_spent == 0);
  CHECK((link.pair.alice().alarms.empty() && link.pair.bob().alarms.empty()));
  CHECK(link.pair.alice().engine.feeds_reserve(Authenticator::computational));
}

}  // namespace
}  // namespace cloister::session
