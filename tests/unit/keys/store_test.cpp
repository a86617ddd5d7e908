// The key store: two of them, fed alike, give alike; no bit twice, none lost from the books.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <map>
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

constexpr TunnelId a{1};
constexpr TunnelId b{2};
const std::vector<TunnelStock> two_tunnels{{a, "a", 8}, {b, "b", 4}};

TEST_CASE(
    "The reserve is served first, a quarter of the block at most, then tunnels to their ceilings; the rest is "
    "discarded",
    "[store]") {
  Store store{two_tunnels};
  const auto needs = store.needs(100'000, 7);
  CHECK(needs.reserve_bits == 100'000);
  CHECK(needs.pads == 7);
  CHECK(needs.tunnel_keys == std::map<TunnelId, std::uint32_t>{{a, 8}, {b, 4}});
  const auto reserve = store.add({1}, Authenticator::qkd, block_of(1, 20'000), needs, needs);
  REQUIRE(reserve);
  CHECK(reserve->size_bits() <= 5'000);
  CHECK(reserve->size_bits() > 4'000);
  CHECK(store.stock_keys(a) == 8);
  CHECK(store.stock_keys(b) == 4);
  const auto balance = store.balance();
  CHECK(conserved(balance));
  CHECK(balance.discarded_bits == 20'000 - reserve->size_bits() - 12 * key_bits);
}

TEST_CASE("The smaller need of both boxes rules", "[store]") {
  Store store{two_tunnels};
  const Needs own{.reserve_bits = 1000, .tunnel_keys = {{a, 8}, {b, 1}}};
  const Needs peer{.reserve_bits = 500, .tunnel_keys = {{a, 2}, {b, 4}}};
  const auto reserve = store.add({1}, Authenticator::qkd, block_of(1, 20'000), own, peer);
  REQUIRE(reserve);
  CHECK(reserve->size_bits() <= 500);
  CHECK(store.stock_keys(a) == 2);
  CHECK(store.stock_keys(b) == 1);
}

TEST_CASE("Each box gets the pads that it lacks, however few the other does, in whole keys", "[store]") {
  struct Case {
    std::uint32_t own;
    std::uint32_t peers;
    std::size_t bits;
  };
  for (const auto& [own, peers, bits] : {Case{0, 0, 0}, {9, 0, 1280}, {0, 9, 1280}, {3, 2, 768}, {1, 1, 256}}) {
    INFO(own << " and " << peers << " pads");
    Store store;
    const auto reserve =
        store.add({1}, Authenticator::qkd, block_of(1, 20'000), store.needs(0, own), store.needs(0, peers));
    REQUIRE(reserve);
    CHECK(reserve->size_bits() == bits);
  }
  constexpr std::uint32_t all = ~std::uint32_t{0};
  Store store;
  const auto most = store.add({1}, Authenticator::qkd, block_of(1, 20'000), store.needs(~std::uint64_t{0}, all),
                              store.needs(~std::uint64_t{0}, all));
  REQUIRE(most);
  CHECK(most->size_bits() == 19 * key_bits);
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
          const auto one = initiator.needs(chance() % 2000, static_cast<std::uint32_t>(chance() % 8));
          const auto other = responder.needs(chance() % 2000, static_cast<std::uint32_t>(chance() % 8));
          const auto mine = initiator.add(id, Authenticator::qkd, block_of(1000 * seed + block, bits), one, other);
          const auto theirs = responder.add(id, Authenticator::qkd, block_of(1000 * seed + block, bits), other, one);
          REQUIRE((mine && theirs));
          REQUIRE(std::ranges::equal(mine->expose(), theirs->expose()));
          alive.push_back(id);
          break;
        }
        case 1: {  // the responder never hears of it
          const auto lost = initiator.take_next(chance() % 2 == 0 ? a : b);
          if (lost) REQUIRE(seen.insert(bytes_of(lost->key.expose())).second);
          break;
        }
        case 2: {
          const TunnelId tunnel = chance() % 2 == 0 ? a : b;
          auto key = initiator.take_next(tunnel);
          if (!key) break;
          REQUIRE(seen.insert(bytes_of(key->key.expose())).second);
          const auto same = responder.take(tunnel, key->name);
          REQUIRE(same);
          REQUIRE(std::ranges::equal(same->key.expose(), key->key.expose()));
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
  Store initiator{{{a, "a", 2}}};
  Store responder{{{a, "a", 2}}};
  const auto add = [&](std::uint64_t block) {
    const auto one = initiator.needs(0, 0);
    const auto other = responder.needs(0, 0);
    REQUIRE(initiator.add({block}, Authenticator::qkd, block_of(block, 3000), one, other));
    REQUIRE(responder.add({block}, Authenticator::qkd, block_of(block, 3000), other, one));
  };
  add(1);
  REQUIRE(initiator.take_next(a));
  const auto last = initiator.take_next(a);  // neither name reaches the responder
  REQUIRE(last);
  responder.burn_before(a, {last->name.block, last->name.index + 1});
  CHECK(responder.stock_keys(a) == 0);
  CHECK(responder.balance().burnt_bits == 2 * key_bits);
  CHECK(conserved(responder.balance()));
  add(2);
  CHECK(initiator.stock_keys(a) == 2);
  CHECK(responder.stock_keys(a) == 2);
  CHECK_FALSE(responder.take(a, {{2}, 9}));  // passed over, though the name is none
  CHECK(responder.stock_keys(a) == 0);
  CHECK(conserved(responder.balance()));
}

TEST_CASE("A block that was seen, or comes out of order, is refused", "[store]") {
  Store store{two_tunnels};
  const auto needs = store.needs(0, 0);
  REQUIRE(store.add({5}, Authenticator::qkd, block_of(1, 3000), needs, needs));
  CHECK_FALSE(store.add({5}, Authenticator::qkd, block_of(1, 3000), needs, needs));
  CHECK_FALSE(store.add({4}, Authenticator::qkd, block_of(1, 3000), needs, needs));
}

TEST_CASE("An empty store gives nothing, and a burnt one is empty", "[store]") {
  Store store{two_tunnels};
  CHECK_FALSE(store.take_next(a));
  CHECK_FALSE(store.take(a, {{1}, 0}));
  const auto needs = store.needs(0, 0);
  REQUIRE(store.add({1}, Authenticator::qkd, block_of(1, 9000), needs, needs));
  store.burn_all();
  CHECK_FALSE(store.take_next(a));
  CHECK(conserved(store.balance()));
  CHECK(store.balance().stock_bits == 0);
}

TEST_CASE(
    "A tunnel that one box alone names gets nothing; what one is given that has gone is burnt, on the other it is kept",
    "[store]") {
  Store here{two_tunnels};
  Store there{two_tunnels};
  there.add_tunnel({{3}, "there alone", 4});
  const auto own = here.needs(0, 0);
  const auto peer = there.needs(0, 0);
  here.remove_tunnel(a);  // between the notes and the block
  REQUIRE(here.add({1}, Authenticator::qkd, block_of(1, 20'000), own, peer));
  REQUIRE(there.add({1}, Authenticator::qkd, block_of(1, 20'000), peer, own));
  CHECK(here.stock_keys(b) == 4);
  CHECK(there.stock_keys(a) == 8);
  CHECK(there.stock_keys({3}) == 0);
  CHECK(here.balance().burnt_bits == 8 * key_bits);
  CHECK(conserved(here.balance()));
  CHECK(conserved(there.balance()));
  auto key = here.take_next(b);
  REQUIRE(key);
  const auto same = there.take(b, key->name);
  REQUIRE(same);
  CHECK(std::ranges::equal(same->key.expose(), key->key.expose()));
}

TEST_CASE("A tunnel that goes has its stock burnt, and begins empty when it comes back", "[store]") {
  Store store{two_tunnels};
  const auto needs = store.needs(0, 0);
  REQUIRE(store.add({1}, Authenticator::qkd, block_of(1, 20'000), needs, needs));
  store.add_tunnel({a, "a", 8});  // there already: as it was
  CHECK(store.stock_keys(a) == 8);
  store.remove_tunnel(a);
  CHECK(store.needs(0, 0).tunnel_keys == std::map<TunnelId, std::uint32_t>{{b, 0}});
  store.add_tunnel({a, "a", 8});
  CHECK(store.stock_keys(a) == 0);
  CHECK(store.balance().burnt_bits == 8 * key_bits);
  CHECK(conserved(store.balance()));
}

TEST_CASE("One-time pads are of blocks that paid tags have authenticated, and of no others", "[store]") {
  for (const auto by : {Authenticator::bootstrap, Authenticator::computational, Authenticator::qkd}) {
    Store store{{{a, "a", 8}, {b, "pad", 1000, StockUse::pad_to_server}}};
    const auto needs = store.needs(0, 0);
    CHECK(needs.tunnel_keys == std::map<TunnelId, std::uint32_t>{{a, 8}});
    CHECK(needs.pad_keys == std::map<TunnelId, std::uint32_t>{{b, 1000}});
    REQUIRE(store.add({1}, by, block_of(1, 20 * key_bits), needs, needs));
    CHECK(store.stock_keys(a) == 8);
    CHECK(store.stock_keys(b) == (by == Authenticator::qkd ? 12 : 0));
    CHECK(conserved(store.balance()));
  }
}

TEST_CASE("Many keys are taken at once, all that were named or none", "[store]") {
  Store here{{{b, "pad", 16, StockUse::pad_to_server}}};
  Store there{{{b, "pad", 16, StockUse::pad_to_server}}};
  for (auto* store : {&here, &there}) {
    const auto needs = store->needs(0, 0);
    REQUIRE(store->add({1}, Authenticator::qkd, block_of(1, 20 * key_bits), needs, needs));
  }
  const auto names_of = [](const std::vector<NamedKey>& keys) {
    std::vector<KeyName> names;
    for (const auto& key : keys) names.push_back(key.name);
    return names;
  };
  const auto first = here.take_next(b, 5);
  const auto same = there.take(b, names_of(first));
  REQUIRE(same);
  for (std::size_t i = 0; i < 5; ++i) CHECK(std::ranges::equal(first[i].key.expose(), (*same)[i].key.expose()));
  static_cast<void>(here.take_next(b, 1));  // the other never hears of it
  const auto later = here.take_next(b, 4);
  CHECK(there.take(b, names_of(later)).has_value());
  auto names = names_of(here.take_next(b, 3));
  names[1].index += 1000;
  std::ranges::sort(names);
  CHECK_FALSE(there.take(b, names).has_value());
  CHECK(there.stock_keys(b) == 0);
  CHECK(here.take_next(b, 100).size() == 3);
  CHECK(here.take_next(b, 100).empty());
  CHECK(conserved(here.balance()));
  CHECK(conserved(there.balance()));
}

TEST_CASE("Needs are read as written, and refused when cut, lengthened or out of order", "[store]") {
  const Needs needs{.reserve_bits = 77, .pads = 5, .tunnel_keys = {{a, 1}, {b, 2}}, .pad_keys = {{a, 3}}};
  const auto note = needs.encode();
  const auto read = Needs::decode(note);
  REQUIRE(read);
  CHECK(read->reserve_bits == 77);
  CHECK(read->pads == 5);
  CHECK(read->tunnel_keys == needs.tunnel_keys);
  CHECK(read->pad_keys == needs.pad_keys);
  for (std::size_t length = 0; length < note.size(); ++length)
    REQUIRE_FALSE(Needs::decode(std::span{note}.first(length)));
  std::vector<std::byte> longer(note.size() + 1);
  std::ranges::copy(note, longer.begin());
  CHECK_FALSE(Needs::decode(longer));
  auto twice = note;
  twice[21] = std::byte{2};  // the first tunnel, which is then the second again
  CHECK_FALSE(Needs::decode(twice));
}

}  // namespace
}  // namespace cloister::keys
