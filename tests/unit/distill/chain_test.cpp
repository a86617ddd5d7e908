// Both halves of the chain against each other: equal blocks and accounts, or none; and a peer that lies.
#include <algorithm>
#include <boost/json.hpp>
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <random>
#include <utility>

#include "appliance/distill/account_json.hpp"
#include "appliance/distill/confirmation.hpp"
#include "appliance/distill/messages.hpp"
#include "tests/unit/distill/chain_pair.hpp"

namespace cloister::distill {
namespace {

using Catch::Approx;
using namespace test_pair;

TEST_CASE("Both halves make equal blocks with equal accounts, one after the other", "[chain]") {
  Pair pair{1, 0.003};
  for (int i = 0; i < 40 && pair.made_by_bob.size() < 3; ++i) pair.shine();
  REQUIRE(pair.made_by_bob.size() == 3);
  REQUIRE(pair.made_by_alice.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto& one = pair.made_by_alice[i];
    const auto& other = pair.made_by_bob[i];
    CHECK(one.block == other.block);
    CHECK(one.block.value == i + 1);
    CHECK(std::ranges::equal(one.key.expose(), other.key.expose()));
    CHECK(one.key.size_bits() + confirmation_bits == one.account.length_bits);
    CHECK(json_members(one.account) == json_members(other.account));
    CHECK(one.account.key.detections() >= parameters().block_bits);
    CHECK(one.account.parity_bits > 0);
  }
  CHECK_FALSE(
      std::ranges::equal(pair.made_by_bob[0].key.expose().first(100), pair.made_by_bob[1].key.expose().first(100)));
}

TEST_CASE("Two decoys: both boxes count three intensities alike, and their account is what anyone recomputes",
          "[chain]") {
  Parameters settings = parameters();
  settings.bound = Bound::lim2014;
  settings.intensities = {0.5, 0.1, 0.01};
  settings.probabilities = {0.3, 0.3, 0.4};
  settings.block_bits = 200'000;
  Pair pair{7, 0.003, settings};
  for (int i = 0; i < 60 && pair.made_by_bob.empty(); ++i) pair.shine();
  REQUIRE(pair.made_by_bob.size() == 1);
  REQUIRE(pair.made_by_alice.size() == 1);
  const auto& account = pair.made_by_alice[0].account;
  CHECK(std::ranges::equal(pair.made_by_alice[0].key.expose(), pair.made_by_bob[0].key.expose()));
  const auto line = "{" + json_members(account) + "}";
  CHECK(line == "{" + json_members(pair.made_by_bob[0].account) + "}");
  for (std::size_t k = 0; k < 3; ++k) {
    const double sent = settings.intensities[k] * settings.probabilities[k];
    const double share = sent / (0.5 * 0.3 + 0.1 * 0.3 + 0.01 * 0.4);
    CHECK(static_cast<double>(account.key.n[k]) / static_cast<double>(account.key.detections()) ==
          Approx(share).epsilon(0.1));
  }
  const auto again =
      read_observation(boost::json::parse(line, {}, {.numbers = boost::json::number_precision::precise}));
  REQUIRE(again);
  CHECK(secret_length(*again).length_bits == account.length_bits);
  REQUIRE(account.efficiency());
  CHECK((*account.efficiency() > 1 && *account.efficiency() < 1.5));
  CHECK(account.key_qber() == Approx(0.003).epsilon(0.15));
}

TEST_CASE("Two decoys: a reply to sifting that lies is refused, or leaves equal accounts on both boxes", "[chain]") {
  Parameters settings = parameters();
  settings.bound = Bound::lim2014;
  settings.intensities = {0.5, 0.1, 0.01};
  settings.probabilities = {0.3, 0.3, 0.4};
  settings.block_bits = 20'000;
  int refused = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    INFO("seed " << seed);
    Pair pair{seed, 0.003, settings};
    std::mt19937_64 chance{seed};
    bool lied = false;
    pair.meddle = [&](Send& send, std::size_t) {
      if (send.type != static_cast<std::uint8_t>(MessageType::sift_reply) || std::exchange(lied, true)) return;
      // The intensities and test bits: what is kept says itself how long they are.
      const std::size_t last = send.payload.size() - 1 - chance() % (send.payload.size() / 3);
      send.payload[last] ^= static_cast<std::byte>(1U << (chance() % 8));
    };
    for (int i = 0; i < 6 && !pair.refused && pair.dropped_by_bob.empty(); ++i) pair.shine();
    REQUIRE(lied);
    refused += pair.refused ? 1 : 0;
    for (std::size_t i = 0; i < std::min(pair.dropped_by_alice.size(), pair.dropped_by_bob.size()); ++i) {
      CHECK(pair.dropped_by_alice[i].account.key.n == pair.dropped_by_bob[i].account.key.n);
      CHECK(pair.dropped_by_alice[i].account.test == pair.dropped_by_bob[i].account.test);
    }
  }
  CHECK(refused > 30);
}

TEST_CASE("An error rate above the limit drops the block on both, with the reason", "[chain]") {
  Pair pair{2, 0.12};
  for (int i = 0; i < 20 && pair.dropped_by_alice.empty(); ++i) pair.shine();
  REQUIRE_FALSE(pair.dropped_by_alice.empty());
  REQUIRE_FALSE(pair.dropped_by_bob.empty());
  CHECK(pair.dropped_by_bob[0].reason == DropReason::qber_above_limit);
  CHECK(pair.dropped_by_alice[0].reason == DropReason::qber_above_limit);
  CHECK(pair.dropped_by_alice[0].by_peer != pair.dropped_by_bob[0].by_peer);
  CHECK(pair.made_by_bob.empty());
}

TEST_CASE("Intercept and resend, a quarter of errors, gives no block ever", "[chain]") {
  Pair pair{3, 0.25};
  for (int i = 0; i < 30; ++i) pair.shine();
  CHECK(pair.made_by_alice.empty());
  CHECK(pair.made_by_bob.empty());
  CHECK(pair.dropped_by_bob.size() >= 2);
}

TEST_CASE("Noise that leaves no secret is dropped for that reason", "[chain]") {
  Pair pair{4, 0.07};
  for (int i = 0; i < 20 && pair.dropped_by_alice.empty(); ++i) pair.shine();
  REQUIRE_FALSE(pair.dropped_by_alice.empty());
  CHECK(pair.dropped_by_alice[0].reason == DropReason::no_secret_key);
}

TEST_CASE("A peer that changes, cuts or repeats one message gives an error or no key, never two keys", "[chain]") {
  int refused = 0;
  int dropped = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    INFO("seed " << seed);
    Pair pair{seed, 0.003};
    std::mt19937_64 chance{seed};
    const std::size_t target = chance() % 60;
    const auto how = chance() % 4;
    pair.meddle = [&](Send& send, std::size_t number) {
      if (number != target) return;
      if (how == 0 && !send.payload.empty())
        send.payload[chance() % send.payload.size()] ^= static_cast<std::byte>(1U << (chance() % 8));
      if (how == 1) send.payload.resize(send.payload.empty() ? 1 : chance() % send.payload.size());
      if (how == 2) send.type = static_cast<std::uint8_t>(chance() % 14);
      if (how == 3) send.block = {send.block.value + chance() % 3};
    };
    for (int i = 0; i < 9 && !pair.refused; ++i) pair.shine();
    refused += pair.refused ? 1 : 0;
    dropped += pair.dropped_by_bob.empty() ? 0 : 1;
    for (const auto& one : pair.made_by_alice) {
      for (const auto& other : pair.made_by_bob) {
        if (one.block != other.block) continue;
        REQUIRE(std::ranges::equal(one.key.expose(), other.key.expose()));
      }
    }
  }
  CHECK(refused > 50);
  CHECK(dropped > 0);
}

TEST_CASE("A session's end wipes what was begun; the next begins where it is told", "[chain]") {
  Pair pair{5, 0.003};
  pair.shine();
  pair.shine();
  pair.alice->stop();
  pair.bob->stop();
  CHECK_FALSE(pair.bob->next_action());
  CHECK(pair.bob->figures().filling_bits == 0);
  pair.alice->start({7});
  pair.bob->start({7});
  for (int i = 0; i < 20 && pair.made_by_bob.empty(); ++i) pair.shine();
  REQUIRE(pair.made_by_bob.size() == 1);
  CHECK(pair.made_by_bob[0].block == BlockId{7});
}

}  // namespace
TEST_CASE("What the watch over the device discards is dropped on both boxes, and the next block is whole", "[chain]") {
  Pair pair{1, 0.003};
  pair.shine();
  REQUIRE(pair.made_by_bob.empty());
  pair.bob->discard("too few double clicks");
  for (int i = 0; i < 20 && pair.made_by_bob.empty(); ++i) pair.shine();
  REQUIRE(pair.dropped_by_bob.size() == 1);
  REQUIRE(pair.dropped_by_alice.size() == 1);
  CHECK(pair.dropped_by_bob[0].reason == DropReason::device_suspect);
  CHECK(pair.dropped_by_bob[0].text.contains("too few double clicks"));
  CHECK(pair.dropped_by_alice[0].reason == DropReason::device_suspect);
  CHECK(pair.dropped_by_alice[0].by_peer);
  REQUIRE(pair.made_by_alice.size() == 1);
  CHECK(pair.made_by_alice[0].account.length_bits == pair.made_by_bob[0].account.length_bits);
}

}  // namespace cloister::distill
