// The transform against its definition, and the kernels against each other.
#include "crypto/additive_transform.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <functional>
#include <random>
#include <vector>

namespace cloister::crypto {
namespace {

std::vector<std::uint64_t> random_elements(std::size_t count, std::mt19937_64& random) {
  std::vector<std::uint64_t> out(count);
  std::ranges::generate(out, std::ref(random));
  return out;
}

TEST_CASE("GF(2^64) is a field: laws, and x^64 = x^4 + x^3 + x + 1") {
  std::mt19937_64 random{1};
  CHECK(gf64_multiply(std::uint64_t{1} << 63, 2) == 0x1B);
  for (int i = 0; i < 100; ++i) {
    const auto a = random();
    const auto b = random();
    const auto c = random();
    CHECK(gf64_multiply(a, 1) == a);
    CHECK(gf64_multiply(a, b) == gf64_multiply(b, a));
    CHECK(gf64_multiply(gf64_multiply(a, b), c) == gf64_multiply(a, gf64_multiply(b, c)));
    CHECK(gf64_multiply(a, b ^ c) == (gf64_multiply(a, b) ^ gf64_multiply(a, c)));
  }
  // Fermat: a^(2^64) = a.
  auto power = std::uint64_t{0x123456789ABCDEF0};
  for (int i = 0; i < 64; ++i) power = gf64_multiply(power, power);
  CHECK(power == 0x123456789ABCDEF0);
}

TEST_CASE("Cantor's basis: each squared and added to itself gives the one before") {
  const auto& basis = gf64_cantor_basis();
  CHECK(basis[0] == 1);
  for (std::size_t i = 1; i < basis.size(); ++i) CHECK((gf64_multiply(basis[i], basis[i]) ^ basis[i]) == basis[i - 1]);
}

TEST_CASE("The transform gives the polynomial's values, by Horner's rule, and comes back") {
  std::mt19937_64 random{2};
  const auto log_points = GENERATE(8U, 12U, 16U);
  for (const auto* kernel : gf64_kernels()) {
    const AdditiveTransform transform{log_points, *kernel};
    const auto coefficients = random_elements(transform.points(), random);
    auto data = coefficients;
    transform.forward(data);
    for (int check = 0; check < 3; ++check) {
      const std::size_t index = random() % transform.points();
      std::uint64_t point = 0;
      for (unsigned j = 0; j < log_points; ++j)
        point ^= ((index >> j) & 1U) != 0 ? gf64_cantor_basis()[j] : std::uint64_t{0};
      std::uint64_t value = 0;
      for (std::size_t i = coefficients.size(); i-- > 0;) value = gf64_multiply(value, point) ^ coefficients[i];
      CHECK(data[index] == value);
    }
    transform.inverse(data);
    CHECK(data == coefficients);
  }
}

TEST_CASE("The vector kernels equal the portable one") {
  std::mt19937_64 random{3};
  for (const auto* kernel : gf64_kernels()) {
    for (std::size_t half = 1; half <= 64; half *= 2) {
      const auto twiddles = random_elements(64 / half + 8, random);
      const auto data = random_elements(128, random);
      auto expected = data;
      auto got = data;
      gf64_portable().forward(expected.data(), expected.size(), half, twiddles.data());
      kernel->forward(got.data(), got.size(), half, twiddles.data());
      CHECK(got == expected);
      kernel->inverse(got.data(), got.size(), half, twiddles.data());
      CHECK(got == data);
    }
    for (const std::size_t terms : {0UZ, 1UZ, 2UZ, 5UZ}) {
      std::vector<std::vector<std::uint64_t>> a;
      std::vector<std::vector<std::uint64_t>> b;
      std::vector<const std::uint64_t*> left;
      std::vector<const std::uint64_t*> right;
      for (std::size_t k = 0; k < terms; ++k) {
        a.push_back(random_elements(16, random));
        b.push_back(random_elements(16, random));
      }
      for (std::size_t k = 0; k < terms; ++k) {
        left.push_back(a[k].data());
        right.push_back(b[k].data());
      }
      std::vector<std::uint64_t> expected(16);
      std::vector<std::uint64_t> got(16);
      gf64_portable().dot(expected.data(), left.data(), right.data(), terms, 16);
      kernel->dot(got.data(), left.data(), right.data(), terms, 16);
      CHECK(got == expected);
    }
    for (const std::size_t count : {0UZ, 1UZ, 7UZ, 8UZ, 9UZ, 64UZ, 100UZ}) {
      auto expected = random_elements(count, random);
      auto got = expected;
      const auto from = random_elements(count, random);
      gf64_portable().add(expected.data(), from.data(), count);
      kernel->add(got.data(), from.data(), count);
      CHECK(got == expected);
    }
  }
}

}  // namespace
}  // namespace cloister::crypto
