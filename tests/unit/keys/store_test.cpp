// The key store: two of them, fed alike, give alike; no bit twice, none lost from the books.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <random>
#include <set>

#include "appliance/keys/store.hpp"

namespace cloister::keys {
namespace {

crypto::SecretBits block_of(std::uint64_t seed, std::size_t bits) {
  std::mt19937_64 generator{seed};
  crypto::SecretBits block{bits};
  for (std::size_t i = 0; i < bits; ++i) block.set(i, (generator() & 1U) != 0);
  return block;
}

std::vector<std::byte> bytes_of(std::span<const std::byte> key) { return {key.begin(), key.end()}; }

bool conserved(const Balance& balance) {
  return balance.produced_bits ==
         balance.reserve_bits + balance.taken_bits + balance.burnt_bits + balance.discarded_bits + balance.stock_bits;
}

const std::vector<TunnelStock> two_tunnels{{"a", 8}, {"b", 4}};

TEST_CASE(
    "The reserve is served first, a quarter of the block at most, then tunnels to their ceilings; the rest is "
    "discarded",
    "[store]") {
  Store store{two_tunnels};
  const auto needs = store.needs(100'000);
  CHECK(needs.reserve_bits == 100'000);
  CHECK(needs.tunnel_keys == std::vector<std::uint32_t>{8, 4});
  const auto reserve = store.add({1}, block_of(1, 20'000), needs, needs);
  REQUIRE(reserve);
  CHECK(reserve->size_bits() <= 5'000);
  CHECK(reserve->size_bits() > 4'000);
  CHECK(store.stock_keys(0) == 8);
  CHECK(store.stock_keys(1) == 4);
  const auto balance = store.balance();
  CHECK(conserved(balance));
  CHECK(balance.discarded_bits == 20'000 - reserve->size_bits() - 12 * key_bits);
}

TEST_CASE("The smaller need of both boxes rules", "[store]") {
  Store store{two_tunnels};
  const Needs own{.reserve_bits = 1000, .tunnel_keys = {8, 1}};
  const Needs peer{.reserve_bits = 500, .tunnel_keys = {2, 4}};
  const auto reserve = store.add({1}, block_of(1, 20'000), own, peer);
  REQUIRE(reserve);
  CHECK(reserve->size_bits() <= 500);
  CHECK(store.stock_keys(0) == 2);
  CHECK(store.stock_keys(1) == 1);
}

TEST_CASE("Two stores that see the same blocks and names never give two keys for one name, nor one key for two",
          "[store]") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 chance{seed};
    Store initiator{two_tunnels};
    Store responder{two_tunnels};
    std::set<std::vector<std::byte>> seen;
    std::uint64_t block = 0;
    std::vector<BlockId> alive;
    for (int step = 0; step < 60; ++step) {
      switch (chance() % 4) {
        case 0: {
          const std::size_t bits = 300 + chance() % 6000;
          const BlockId id{++block};
          const auto one = initiator.needs(chance() % 2000);
          const auto other = responder.needs(chance() % 2000);
          const auto mine = initiator.add(id, block_of(1000 * seed + block, bits), one, other);
          const auto theirs = responder.add(id, block_of(1000 * seed + block, bits), other, one);
          REQUIRE((mine && theirs));
          REQUIRE(std::ranges::equal(mine->expose(), theirs->expose()));
          alive.push_back(id);
          break;
        }
        case 1: {  // the responder never hears of it
          const auto lost = initiator.take_next(chance() % 2);
          if (lost) REQUIRE(seen.insert(bytes_of(lost->key.expose())).second);
          break;
        }
        case 2: {
          const std::size_t tunnel = chance() % 2;
          auto key = initiator.take_next(tunnel);
          if (!key) break;
          REQUIRE(seen.insert(bytes_of(key->key.expose())).second);
          const auto same = responder.take(tunnel, key->name);
          REQUIRE(same);
          REQUIRE(std::ranges::equal(same->expose(), key->key.expose()));
          REQUIRE_FALSE(responder.take(tunnel, key->name));
          break;
        }
        default:
          if (alive.size() > 2 && chance() % 3 == 0) {
            std::erase_if(alive, [&](const BlockId&) { return chance() % 2 == 0; });
            initiator.keep_only(alive);
            responder.keep_only(alive);
          }
      }
      REQUIRE(conserved(initiator.balance()));
      REQUIRE(conserved(responder.balance()));
    }
  }
}

TEST_CASE("A stock whose keys the peer has passed over is burnt up to there, and filled again by both needs",
          "[store]") {
  Store initiator{{{"a", 2}}};
  Store responder{{{"a", 2}}};
  const auto add = [&](std::uint64_t block) {
    const auto one = initiator.needs(0);
    const auto other = responder.needs(0);
    REQUIRE(initiator.add({block}, block_of(block, 3000), one, other));
    REQUIRE(responder.add({block}, block_of(block, 3000), other, one));
  };
  add(1);
  REQUIRE(initiator.take_next(0));
  const auto last = initiator.take_next(0);  // neither name reaches the responder
  REQUIRE(last);
  responder.burn_before(0, {last->name.block, last->name.index + 1});
  CHECK(responder.stock_keys(0) == 0);
  CHECK(responder.balance().burnt_bits == 2 * key_bits);
  CHECK(conserved(responder.balance()));
  add(2);
  CHECK(initiator.stock_keys(0) == 2);
  CHECK(responder.stock_keys(0) == 2);
  CHECK_FALSE(responder.take(0, {{2}, 9}));  // passed over, though the name is none
  CHECK(responder.stock_keys(0) == 0);
  CHECK(conserved(responder.balance()));
}

TEST_CASE("A block that was seen, or comes out of order, is refused", "[store]") {
  Store store{two_tunnels};
  const auto needs = store.needs(0);
  REQUIRE(store.add({5}, block_of(1, 3000), needs, needs));
  CHECK_FALSE(store.add({5}, block_of(1, 3000), needs, needs));
  CHECK_FALSE(store.add({4}, block_of(1, 3000), needs, needs));
}

TEST_CASE("An empty store gives nothing, and a burnt one is empty", "[store]") {
  Store store{two_tunnels};
  CHECK_FALSE(store.take_next(0));
  CHECK_FALSE(store.take(0, {{1}, 0}));
  const auto needs = store.needs(0);
  REQUIRE(store.add({1}, block_of(1, 9000), needs, needs));
  store.burn_all();
  CHECK_FALSE(store.take_next(0));
  CHECK(conserved(store.balance()));
  CHECK(store.balance().stock_bits == 0);
}

TEST_CASE("Needs are read as written, and refused when cut, lengthened or for other tunnels", "[store]") {
  const Needs needs{.reserve_bits = 77, .tunnel_keys = {1, 2}};
  const auto note = needs.encode();
  const auto read = Needs::decode(note, 2);
  REQUIRE(read);
  CHECK(read->reserve_bits == 77);
  CHECK(read->tunnel_keys == needs.tunnel_keys);
  CHECK_FALSE(Needs::decode(note, 1));
  CHECK_FALSE(Needs::decode(note, 3));
  for (std::size_t length = 0; length < note.size(); ++length)
    REQUIRE_FALSE(Needs::decode(std::span{note}.first(length), 2));
}

}  // namespace
}  // namespace cloister::keys
