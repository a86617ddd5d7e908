#include "crypto/toeplitz.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <random>

#include "tests/toeplitz_definition.hpp"

namespace cloister::crypto {
namespace {

std::vector<std::uint64_t> random_words(std::size_t words, std::mt19937_64& random) {
  std::vector<std::uint64_t> out(words);
  for (auto& word : out) word = random();
  return out;
}

bool bit(std::span<const std::uint64_t> words, std::size_t index) {
  return ((words[index / 64] >> (index % 64)) & 1U) != 0;
}

/// The definition, bit by bit.
bool schoolbook(const SecretBits& input, std::span<const std::uint64_t> seed, std::size_t i) {
  const std::size_t n = input.size_bits();
  bool sum = false;
  for (std::size_t j = 0; j < n; ++j) sum ^= input.get(j) && bit(seed, i + (n - 1) - j);
  return sum;
}

SecretBits random_bits(std::size_t bits, std::mt19937_64& random) {
  SecretBits out{bits};
  for (std::size_t i = 0; i < bits; ++i) out.set(i, (random() & 1U) != 0);
  return out;
}

TEST_CASE("Toeplitz hashing equals the matrix product, bit by bit") {
  std::mt19937_64 random{42};
  const auto n = GENERATE(1UZ, 2UZ, 63UZ, 64UZ, 65UZ, 127UZ, 128UZ, 200UZ, 1000UZ, 1024UZ, 3000UZ, 4097UZ);
  for (const std::size_t m : {1UZ, 2UZ, 63UZ, 64UZ, 65UZ, 130UZ, 500UZ, 1024UZ, 2999UZ}) {
    CAPTURE(n, m);
    const SecretBits input = random_bits(n, random);
    const auto seed = random_words((toeplitz_seed_bits(n, m) + 63) / 64, random);
    const SecretBits out = toeplitz_hash(input, seed, m);
    REQUIRE(out.size_bits() == m);
    bool equal = true;
    for (std::size_t i = 0; i < m; ++i) {
      const bool wanted = schoolbook(input, seed, i);
      equal = equal && out.get(i) == wanted && test::toeplitz_bit(input, seed, i) == wanted;
    }
    CHECK(equal);
  }
}

TEST_CASE("Toeplitz hashing is right at sizes of every kind up to 1e5, at each of its bits or at many") {
  std::mt19937_64 random{46};
  for (int round = 0; round < 150; ++round) {
    const std::size_t n = 1 + random() % (round % 3 == 0 ? 100'000 : 9'000);
    const std::size_t m = 1 + random() % n;
    const SecretBits input = random_bits(n, random);
    const auto seed = random_words((toeplitz_seed_bits(n, m) + 63) / 64, random);
    const SecretBits out = toeplitz_hash(input, seed, m);
    bool equal = true;
    for (std::size_t i = 0; i < m; i += 1 + n / 9'000 * 40)
      equal = equal && out.get(i) == test::toeplitz_bit(input, seed, i);
    CAPTURE(n, m);
    CHECK(equal);
  }
}

TEST_CASE("Toeplitz hashing of large blocks is right at random positions, whatever transform it takes") {
  std::mt19937_64 random{43};
  // The smallest transform, the middle one alone and in several blocks, the largest one.
  const auto& [n, m] =
      GENERATE(std::pair{20'011UZ, 8'003UZ}, std::pair{100'003UZ, 40'001UZ}, std::pair{1'000'001UZ, 400'007UZ},
               std::pair{1'300'000UZ, 1UZ}, std::pair{63UZ, 700'001UZ}, std::pair{8'000'017UZ, 2'000'011UZ});
  const SecretBits input = [&] {
    SecretBits bits{n};
    for (auto& word : bits.fill()) word = random();
    if (n % 64 != 0) bits.fill().back() &= (std::uint64_t{1} << (n % 64)) - 1;
    return bits;
  }();
  const auto seed = random_words((toeplitz_seed_bits(n, m) + 63) / 64, random);
  const SecretBits out = toeplitz_hash(input, seed, m);
  for (int check = 0; check < 200; ++check) {
    const std::size_t i = check == 0 ? 0 : check == 1 ? m - 1 : random() % m;
    CAPTURE(n, m, i);
    CHECK(out.get(i) == test::toeplitz_bit(input, seed, i));
  }
}

}  // namespace
}  // namespace cloister::crypto
