// Two chains of finished keys, joined by a channel that a test may look into, and their two sources.
#include <algorithm>
#include <boost/json.hpp>
#include <catch2/catch_test_macros.hpp>
#include <deque>
#include <format>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "appliance/distill/account_json.hpp"
#include "appliance/distill/block.hpp"
#include "appliance/distill/external_chain.hpp"
#include "tests/seeded_random.hpp"

namespace {
using namespace cloister;
using namespace cloister::distill;
using wire::BlockId;

constexpr std::size_t key_bytes = 32;
constexpr std::size_t keys_of_block = 65;  // the least of 256 bits

hal::FinishedKey key(const std::string& id, unsigned salt = 0) {
  hal::FinishedKey made{.id = id, .bits = crypto::SecretVector<std::byte>(key_bytes)};
  test::SeededRandom random{std::hash<std::string>{}(id) + salt};
  random.fill(made.bits);
  return made;
}

std::vector<hal::FinishedKey> fresh(const std::string& prefix, std::size_t count = keys_of_block) {
  std::vector<hal::FinishedKey> keys;
  for (std::size_t i = 0; i < count; ++i) keys.push_back(key(std::format("{}-{}", prefix, i)));
  return keys;
}

struct Pair {
  test::SeededRandom random{7};
  ExternalChain alice{ExternalRole::alice, random};
  ExternalChain bob{ExternalRole::bob, random};
  std::map<std::string, unsigned> other_at_bob;  // identifiers under which his KME has other bits
  std::map<std::string, Result<>> bobs_source;   // fails for the block of that identifier
  std::vector<Action> at_alice, at_bob;          // but messages
  std::vector<Send> said;
  std::vector<std::string> errors;

  Pair() {
    alice.start({5});
    bob.start({5});
  }
  void run() {
    for (bool busy = true; busy;) {
      busy = false;
      busy |= carry(alice, at_alice, bob);
      busy |= carry(bob, at_bob, alice);
      if (auto wish = bob.next_wish()) {
        busy = true;
        bob.on_named_keys(wish->block, answer(*wish));
      }
    }
  }
  Result<std::vector<hal::FinishedKey>> answer(const Wish& wish) const {
    std::vector<hal::FinishedKey> keys;
    for (const auto& id : wish.offer.ids) {
      if (const auto found = bobs_source.find(id); found != bobs_source.end())
        return std::unexpected{found->second.error()};
      const auto other = other_at_bob.find(id);
      keys.push_back(key(id, other == other_at_bob.end() ? 0 : other->second));
    }
    return keys;
  }
  bool carry(ExternalChain& from, std::vector<Action>& out, ExternalChain& to) {
    bool any = false;
    while (auto action = from.next_action()) {
      any = true;
      auto* send = std::get_if<Send>(&*action);
      if (send == nullptr) {
        out.push_back(std::move(*action));
        continue;
      }
      if (const auto taken = to.on_message(send->block, send->type, send->payload); !taken)
        errors.push_back(taken.error().message);
      said.push_back(std::move(*send));
    }
    return any;
  }
};

std::vector<std::byte> bits_of(const Action& action) {
  const auto bytes = std::get<Amplified>(action).key.expose_bytes();
  return {bytes.begin(), bytes.end()};
}

TEST_CASE("Keys of two KMEs that agree become the same block on both boxes, but for 128 bits") {
  Pair pair;
  REQUIRE(pair.alice.wants_fresh_keys());
  REQUIRE_FALSE(pair.bob.wants_fresh_keys());
  REQUIRE(pair.alice.on_fresh_keys(fresh("a"), 16));
  CHECK_FALSE(pair.alice.wants_fresh_keys());
  pair.run();
  REQUIRE(pair.errors.empty());
  REQUIRE(pair.at_alice.size() == 1);
  REQUIRE(pair.at_bob.size() == 1);
  const auto& made = std::get<Amplified>(pair.at_alice[0]);
  CHECK(made.block == BlockId{5});
  CHECK(made.key.size_bits() == 8 * key_bytes * keys_of_block - 128);
  CHECK(bits_of(pair.at_alice[0]) == bits_of(pair.at_bob[0]));
  std::vector<std::byte> whole;
  for (const auto& each : fresh("a")) whole.insert(whole.end(), each.bits.begin(), each.bits.end());
  CHECK(std::ranges::equal(bits_of(pair.at_alice[0]), std::span{whole}.subspan(16)));
  CHECK(pair.alice.wants_fresh_keys());
}

TEST_CASE("Nothing that the boxes say holds a piece of a key") {
  Pair pair;
  REQUIRE(pair.alice.on_fresh_keys(fresh("a"), 16));
  pair.run();
  REQUIRE(pair.said.size() == 3);
  for (const auto& each : fresh("a")) {
    for (const auto& message : pair.said)
      CHECK(std::ranges::search(message.payload, std::span{each.bits}.first(8)).empty());
  }
}

TEST_CASE("A KME that gives one other bit, wherever it is, costs the block on both boxes") {
  for (const auto& where : {"a-0", "a-1", "a-64"}) {
    INFO(where);
    Pair pair;
    pair.other_at_bob[where] = 1;
    REQUIRE(pair.alice.on_fresh_keys(fresh("a"), 16));
    pair.run();
    REQUIRE(pair.at_alice.size() == 1);
    REQUIRE(pair.at_bob.size() == 1);
    for (const auto* action : {pair.at_alice.data(), pair.at_bob.data()}) {
      const auto& dropped = std::get<Dropped>(*action);
      CHECK(dropped.reason == DropReason::kmes_disagree);
      CHECK(dropped.text.find("different keys under the same identifiers") != std::string::npos);
      CHECK(dropped.by_peer == (action == pair.at_bob.data()));
    }
    REQUIRE(pair.alice.on_fresh_keys(fresh("b"), 16));
    pair.run();
    CHECK(pair.errors.empty());
    CHECK(std::get<Amplified>(pair.at_bob.at(1)).block == BlockId{6});
  }
}

TEST_CASE("A KME that does not give the offered keys costs the block on both boxes, and says why on one") {
  Pair pair;
  pair.bobs_source.emplace("a-3", fail("the KME answers dec_keys with 400"));
  REQUIRE(pair.alice.on_fresh_keys(fresh("a"), 16));
  pair.run();
  CHECK(pair.errors.empty());
  const auto& here = std::get<Dropped>(pair.at_bob.at(0));
  const auto& there = std::get<Dropped>(pair.at_alice.at(0));
  CHECK(here.text == "the KME answers dec_keys with 400");
  CHECK(here.account.external->keys == keys_of_block);
  CHECK(there.by_peer);
  CHECK(there.reason == DropReason::kme_failed);
}

TEST_CASE("An offer of which the peer says nothing is given up, and what he says too late is passed over") {
  for (const bool fetched : {false, true}) {
    INFO(fetched);
    Pair pair;
    REQUIRE(pair.alice.on_fresh_keys(fresh("a"), 16));
    REQUIRE(pair.alice.offered() == BlockId{5});
    CHECK_FALSE(pair.bob.offered());
    const auto offer = std::get<Send>(*pair.alice.next_action());
    REQUIRE(pair.bob.on_message(offer.block, offer.type, offer.payload));
    const auto wish = pair.bob.next_wish();
    if (fetched) pair.bob.on_named_keys(wish->block, pair.answer(*wish));
    pair.alice.give_up({4}, "another block");
    REQUIRE(pair.alice.offered());
    pair.alice.give_up({5}, "the peer says nothing");
    CHECK_FALSE(pair.alice.offered());
    pair.run();
    if (!fetched) pair.bob.on_named_keys(wish->block, pair.answer(*wish));
    pair.run();
    CHECK(pair.errors.empty());
    CHECK(std::get<Dropped>(pair.at_alice.at(0)).text == "the peer says nothing");
    CHECK(std::get<Dropped>(pair.at_bob.at(0)).by_peer);
    REQUIRE(pair.alice.on_fresh_keys(fresh("b"), 16));
    pair.run();
    CHECK(pair.errors.empty());
    CHECK(std::get<Amplified>(pair.at_bob.at(1)).block == BlockId{6});
  }
}

TEST_CASE("A key that was there before is taken by neither box") {
  Pair pair;
  REQUIRE(pair.alice.on_fresh_keys(fresh("a"), 16));
  pair.run();
  auto again = fresh("b");
  again[7] = key("a-7");
  CHECK_FALSE(pair.alice.on_fresh_keys(std::move(again), 16));
  CHECK(pair.alice.wants_fresh_keys());
  pair.run();
  CHECK(pair.at_alice.size() == 1);

  Pair other;  // whose Alice has forgotten: a box was started anew
  REQUIRE(other.alice.on_fresh_keys(fresh("a"), 16));
  other.run();
  ExternalChain young{ExternalRole::alice, other.random};
  young.start({6});
  REQUIRE(young.on_fresh_keys(fresh("a"), 16));
  const auto offer = std::get<Send>(*young.next_action());
  REQUIRE(other.bob.on_message(offer.block, offer.type, offer.payload));
  const auto drop = std::get<Send>(*other.bob.next_action());
  CHECK(drop.type == static_cast<std::uint8_t>(ExternalMessage::drop));
  CHECK(std::get<Dropped>(*other.bob.next_action()).text.find("were used before") != std::string::npos);
  CHECK_FALSE(other.bob.next_wish());
}

TEST_CASE("What ends with a session is of no use in the next") {
  Pair pair;
  REQUIRE(pair.alice.on_fresh_keys(fresh("a"), 16));
  const auto offer = std::get<Send>(*pair.alice.next_action());
  REQUIRE(pair.bob.on_message(offer.block, offer.type, offer.payload));
  const auto wish = pair.bob.next_wish();
  REQUIRE(wish);
  CHECK_FALSE(pair.bob.next_wish());
  for (auto* chain : {&pair.alice, &pair.bob}) {
    chain->stop();
    chain->start({9});
  }
  pair.bob.on_named_keys(wish->block, fresh("a"));
  CHECK_FALSE(pair.bob.next_action());
  REQUIRE(pair.alice.on_fresh_keys(fresh("b"), 16));
  pair.run();
  CHECK(pair.errors.empty());
  CHECK(std::get<Amplified>(pair.at_bob.at(0)).block == BlockId{9});
}

TEST_CASE("A message that may not come is an error") {
  struct Case {
    ExternalMessage type;
    std::vector<std::byte> payload;
    BlockId block{5};
  };
  Offer small{.key_bits = 256, .at_once = 1, .ids = {"x"}};
  Offer doubled{.key_bits = 8192, .at_once = 1, .ids = {"x", "x", "y"}};
  Offer odd{.key_bits = 8191, .at_once = 1, .ids = {"x", "y", "z"}};
  Offer none_at_once{.key_bits = 8192, .at_once = 0, .ids = {"x", "y", "z"}};
  Offer unnamed{.key_bits = 8192, .at_once = 1, .ids = {"x", "", "z"}};
  Offer good{.key_bits = 8192, .at_once = 1, .ids = {"x", "y", "z"}};
  auto longer = encode(good);
  longer.push_back({});
  for (const auto& [type, payload, block] : std::vector<Case>{{ExternalMessage::offer, encode(small)},
                                                              {ExternalMessage::offer, encode(doubled)},
                                                              {ExternalMessage::offer, encode(odd)},
                                                              {ExternalMessage::offer, encode(none_at_once)},
                                                              {ExternalMessage::offer, encode(unnamed)},
                                                              {ExternalMessage::offer, longer},
                                                              {ExternalMessage::offer, {}},
                                                              {ExternalMessage::offer, encode(good), BlockId{4}},
                                                              {ExternalMessage::check, encode(Check{})},
                                                              {ExternalMessage::agreed, {}},
                                                              {ExternalMessage::drop, {}},
                                                              {static_cast<ExternalMessage>(9), {}}}) {
    Pair pair;
    INFO(static_cast<int>(type));
    CHECK_FALSE(pair.bob.on_message(block, static_cast<std::uint8_t>(type), payload));
    REQUIRE(pair.alice.on_fresh_keys(fresh("a"), 16));
    if (type != ExternalMessage::check)
      CHECK_FALSE(pair.alice.on_message(block, static_cast<std::uint8_t>(type), payload));
  }
  Pair pair;
  CHECK(pair.bob.on_message({5}, static_cast<std::uint8_t>(ExternalMessage::offer), encode(good)));
  CHECK_FALSE(pair.bob.on_message({5}, static_cast<std::uint8_t>(ExternalMessage::agreed), {}));
  CHECK_FALSE(pair.bob.on_message({6}, static_cast<std::uint8_t>(ExternalMessage::offer), encode(good)));
  Pair other;
  REQUIRE(other.alice.on_fresh_keys(fresh("a"), 16));
  CHECK_FALSE(
      other.alice.on_message({5}, static_cast<std::uint8_t>(ExternalMessage::check), std::vector<std::byte>(31)));
  CHECK_FALSE(other.alice.on_message({5}, static_cast<std::uint8_t>(ExternalMessage::drop), std::vector{std::byte{2}}));
}

TEST_CASE("The account of finished keys says whose word they rest on, and cannot be recomputed") {
  Pair pair;
  REQUIRE(pair.alice.on_fresh_keys(fresh("a"), 16));
  pair.run();
  const auto line = "{" + json_members(std::get<Amplified>(pair.at_alice[0]).account) + "}";
  CHECK(
      line ==
      R"({"block": 5, "source": "external", "keys": 65, "key_bits": 256, "verification_bits": 128, "length_bits": 16512, "eps_sec": null})");
  const auto seen = read_observation(boost::json::parse(line));
  REQUIRE_FALSE(seen);
  CHECK(seen.error().message.find("there is nothing to recompute") != std::string::npos);
}

}  // namespace
