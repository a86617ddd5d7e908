#include "crypto/toeplitz.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <random>

#include "crypto/gf2x_kernel.hpp"

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
    for (std::size_t i = 0; i < m; ++i) equal = equal && out.get(i) == schoolbook(input, seed, i);
    CHECK(equal);
  }
}

TEST_CASE("Toeplitz hashing of 1e5 bits is right at random positions") {
  std::mt19937_64 random{43};
  const std::size_t n = 100'003;
  const std::size_t m = 40'001;
  const SecretBits input = random_bits(n, random);
  const auto seed = random_words((toeplitz_seed_bits(n, m) + 63) / 64, random);
  const SecretBits out = toeplitz_hash(input, seed, m);
  for (int check = 0; check < 300; ++check) {
    const std::size_t i = random() % m;
    CAPTURE(i);
    CHECK(out.get(i) == schoolbook(input, seed, i));
  }
}

TEST_CASE("the vector kernel of carry-less products equals the portable one") {
  std::mt19937_64 random{44};
  for (std::size_t words = 1; words <= 40; ++words) {
    CAPTURE(words);
    const auto a = random_words(words, random);
    const auto b = random_words(words, random);
    std::vector<std::uint64_t> portable(2 * words);
    std::vector<std::uint64_t> vectored(2 * words);
    gf2x_multiply_portable(a.data(), b.data(), words, portable.data());
    gf2x_multiply_clmul(a.data(), b.data(), words, vectored.data());
    CHECK(portable == vectored);
  }
}

TEST_CASE("a long carry-less product equals the schoolbook's, factors of any lengths") {
  std::mt19937_64 random{45};
  for (const auto& [left, right] :
       {std::pair{1UZ, 1UZ}, {1UZ, 100UZ}, {17UZ, 16UZ}, {33UZ, 64UZ}, {100UZ, 257UZ}, {129UZ, 700UZ}}) {
    CAPTURE(left, right);
    const auto a = random_words(left, random);
    const auto b = random_words(right, random);
    std::vector<std::uint64_t> expected(left + right);
    for (std::size_t i = 0; i < left; ++i) {
      for (std::size_t j = 0; j < right; ++j) gf2x_multiply_portable(&a[i], &b[j], 1, &expected[i + j]);
    }
    std::vector<std::uint64_t> out(left + right);
    multiply_gf2x(a, b, out);
    CHECK(out == expected);
  }
}

}  // namespace
}  // namespace cloister::crypto
