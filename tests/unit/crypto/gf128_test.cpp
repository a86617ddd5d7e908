// The field's laws, and that both kernels are one function.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <random>

#include "crypto/gf128.hpp"
#include "crypto/gf128_kernel.hpp"

namespace cloister::crypto {
namespace {

Block128 random_block(std::mt19937_64& chance) {
  Block128 block{};
  for (auto& byte : block) byte = static_cast<std::byte>(chance());
  return block;
}

HashKey key_of(const Block128& block) {
  HashKey key;
  std::ranges::copy(block, key.fill().begin());
  return key;
}

bool bit(const Block128& block, std::size_t i) {
  return (std::to_integer<unsigned>(block[i / 8]) >> (7 - i % 8) & 1U) != 0;
}

/// SP 800-38D, algorithm 1, bit by bit.
Block128 schoolbook(const Block128& x, Block128 v) {
  Block128 z{};
  for (std::size_t i = 0; i < 128; ++i) {
    if (bit(x, i)) {
      for (std::size_t j = 0; j < 16; ++j) z[j] ^= v[j];
    }
    const bool carry = bit(v, 127);
    for (std::size_t j = 16; j-- > 0;) v[j] = (v[j] >> 1U) | (j > 0 ? v[j - 1] << 7U : std::byte{0});
    if (carry) v[0] ^= std::byte{0xE1};
  }
  return z;
}

TEST_CASE("The polynomial is Horner's rule in the field of SP 800-38D", "[gf128]") {
  std::mt19937_64 chance{11};
  for (int round = 0; round < 50; ++round) {
    const auto h = random_block(chance);
    const auto key = key_of(h);
    PolynomialHash hash{key};
    Block128 model{};
    for (std::size_t item = chance() % 5; item > 0; --item) {
      std::vector<std::byte> bytes(chance() % 300);
      std::ranges::generate(bytes, [&] { return static_cast<std::byte>(chance()); });
      hash.update(bytes);
      for (std::size_t first = 0; first < bytes.size(); first += 16) {
        for (std::size_t i = 0; i < 16 && first + i < bytes.size(); ++i) model[i] ^= bytes[first + i];
        model = schoolbook(model, h);
      }
    }
    REQUIRE(hash.value() == model);
  }
}

TEST_CASE("The vector kernels of the hash equal the portable one at every length", "[gf128]") {
  std::mt19937_64 chance{14};
  auto vectored = gf128_kernels();
  vectored.erase(vectored.begin());  // the portable one
  if (vectored.empty()) SKIP("this processor has no carry-less multiplication");
  Gf128Powers powers{};
  powers[0] = random_block(chance);
  for (std::size_t i = 1; i < gf128_powers; ++i) powers[i] = gf128_portable().multiply(powers[i - 1], powers[0]);
  for (std::size_t blocks = 0; blocks <= 3 * gf128_powers + 1; ++blocks) {
    CAPTURE(blocks);
    std::vector<std::byte> data(16 * blocks);
    std::ranges::generate(data, [&] { return static_cast<std::byte>(chance()); });
    const Block128 start = random_block(chance);
    Block128 expected = start;
    gf128_portable().absorb(expected, powers, data);
    for (const auto* kernel : vectored) {
      Block128 value = start;
      kernel->absorb(value, powers, data);
      REQUIRE(value == expected);
      REQUIRE(kernel->multiply(start, powers[0]) == gf128_portable().multiply(start, powers[0]));
    }
  }
}

/// The same polynomial hash over GF(2^16), modulo x^16 + x^5 + x^3 + x + 1: small enough to see its bound at work.
std::uint16_t toy_hash(std::uint16_t key, std::span<const std::uint16_t> blocks) {
  std::uint16_t sum = 0;
  for (const std::uint16_t block : blocks) {
    std::uint32_t product = 0;
    for (unsigned i = 0; i < 16; ++i)
      product ^= (static_cast<unsigned>(sum ^ block) >> i & 1U) != 0 ? std::uint32_t{key} << i : 0U;
    for (unsigned i = 31; i-- > 16;) product ^= (product >> i & 1U) != 0 ? std::uint32_t{0x1002B} << (i - 16) : 0U;
    sum = static_cast<std::uint16_t>(product);
  }
  return sum;
}

TEST_CASE("A toy hash of 16 bits collides no more often than its bound, and does collide", "[gf128]") {
  // Two messages of n blocks collide under the keys that are roots of a polynomial of degree n: at most n of 2^16.
  // Over all keys, the share of colliding ones is counted exactly; single-bit differences collide under key 0 alone.
  std::mt19937_64 chance{15};
  constexpr std::size_t blocks = 64;
  std::size_t collisions = 0;
  for (int pair = 0; pair < 20; ++pair) {
    std::vector<std::uint16_t> left(blocks);
    std::vector<std::uint16_t> right(blocks);
    std::ranges::generate(left, [&] { return static_cast<std::uint16_t>(chance()); });
    std::ranges::generate(right, [&] { return static_cast<std::uint16_t>(chance()); });
    auto one_bit = left;
    one_bit[chance() % blocks] ^= static_cast<std::uint16_t>(1U << (chance() % 16));
    std::size_t roots = 0;
    std::size_t one_bit_roots = 0;
    for (std::uint32_t key = 0; key < 0x10000; ++key) {
      const auto hash = toy_hash(static_cast<std::uint16_t>(key), left);
      roots += hash == toy_hash(static_cast<std::uint16_t>(key), right) ? 1U : 0U;
      one_bit_roots += hash == toy_hash(static_cast<std::uint16_t>(key), one_bit) ? 1U : 0U;
    }
    CHECK(roots <= blocks);
    CHECK(one_bit_roots == 1);
    collisions += roots - 1;  // key 0 makes all hashes 0
  }
  CHECK(collisions > 0);  // about one root is expected of each random pair
}

TEST_CASE("A hash that continues another has the value of both in a row", "[gf128]") {
  std::mt19937_64 chance{12};
  for (int round = 0; round < 20; ++round) {
    const auto key = key_of(random_block(chance));
    PolynomialHash head{key};
    PolynomialHash tail{key};
    PolynomialHash whole{key};
    for (std::size_t i = 0; i < 1 + chance() % 40; ++i) {
      const auto block = random_block(chance);
      (i % 2 == 0 ? head : tail).update(block);
    }
    PolynomialHash joined{key};
    joined.append(head);
    joined.append(tail);
    whole.append(head);
    CHECK(joined.blocks() == head.blocks() + tail.blocks());
    if (tail.blocks() == 0) CHECK(joined.value() == whole.value());
  }
}

TEST_CASE("A tag holds for its message and pad alone", "[gf128]") {
  std::mt19937_64 chance{13};
  const auto key = key_of(random_block(chance));
  const auto pad_bytes = random_block(chance);
  const auto pad = [&] {
    TagPad made;
    std::ranges::copy(pad_bytes, made.fill().begin());
    return made;
  };
  PolynomialHash hash{key};
  hash.update(random_block(chance));
  const auto tag = seal_tag(hash, pad());
  CHECK(tag_matches(hash, pad(), tag));
  for (std::size_t i = 0; i < 128; ++i) {
    auto changed = tag;
    changed[i / 8] ^= std::byte{1} << (i % 8);
    REQUIRE_FALSE(tag_matches(hash, pad(), changed));
  }
  hash.update(random_block(chance));
  CHECK_FALSE(tag_matches(hash, pad(), tag));
}

TEST_CASE("Verification tells blocks apart by any bit and by their length", "[gf128]") {
  const VerificationKey key{.key = {std::byte{1}, std::byte{2}, std::byte{3}}};
  std::vector<std::uint64_t> words(20, 0x123456789ABCDEF0U);
  const auto hash = verification_hash(key, words, 20 * 64);
  for (std::size_t i = 0; i < 20 * 64; i += 7) {
    words[i / 64] ^= std::uint64_t{1} << (i % 64);
    REQUIRE(verification_hash(key, words, 20 * 64) != hash);
    words[i / 64] ^= std::uint64_t{1} << (i % 64);
  }
  CHECK(verification_hash(key, words, 20 * 64 - 1) != hash);
}

}  // namespace
}  // namespace cloister::crypto
