// The self-tests of the primitives, and the tests of randomness: what they let pass and what they find.
#include "crypto/self_test.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cmath>

#include "tests/seeded_random.hpp"

namespace cloister::crypto {
namespace {
using Catch::Matchers::ContainsSubstring;

TEST_CASE("Every primitive gives its known answer in this build", "[selftest]") {
  const auto tests = self_tests();
  CHECK(tests.size() >= 13);
  for (const auto& test : tests) {
    const auto outcome = test.run();
    INFO(test.name << (outcome ? "" : ": " + outcome.error().message));
    CHECK(outcome);
  }
}

std::vector<std::byte> random_bytes(std::size_t count) {
  std::vector<std::byte> bytes(count);
  test::SeededRandom{7}.fill(bytes);
  return bytes;
}

TEST_CASE("Honest randomness passes, a megabyte of it", "[selftest]") {
  CHECK(check_randomness(random_bytes(std::size_t{1} << 20U)));
  CHECK(check_randomness({}));
}

TEST_CASE("A run of equal bytes is found at the cutoff, and not one byte before", "[selftest]") {
  const auto cutoff = repetition_cutoff();
  CHECK(cutoff == 9);  // 1 + ceil(60 / 8)
  auto bytes = random_bytes(4096);
  bytes[999] = std::byte{1};
  bytes[1000 + cutoff] = std::byte{1};
  std::fill_n(bytes.begin() + 1000, cutoff, std::byte{2});
  const auto found = check_randomness(bytes);
  REQUIRE_FALSE(found);
  CHECK_THAT(found.error().message, ContainsSubstring("9 equal bytes in a row"));
  bytes[1000] = std::byte{3};
  CHECK(check_randomness(bytes));
}

TEST_CASE("The proportion's cutoff has the false alarms that it claims, by summing the tail", "[selftest]") {
  // The obvious way: the probability of each count by recurrence, from none up.
  const double p = 1.0 / 256;
  const std::size_t trials = proportion_window - 1;
  std::vector<long double> exact(trials + 1);
  exact[0] = std::pow(1.0L - p, static_cast<long double>(trials));
  for (std::size_t k = 1; k <= trials; ++k)
    exact[k] = exact[k - 1] * static_cast<long double>(trials - k + 1) / static_cast<long double>(k) * p / (1.0L - p);
  const auto tail = [&](std::size_t from) {
    long double sum = 0;
    for (std::size_t k = trials + 1; k-- > from;) sum += exact[k];
    return sum;
  };
  const auto cutoff = proportion_cutoff();
  CHECK(tail(cutoff - 1) <= std::exp2(-60.0L));
  CHECK(tail(cutoff - 2) > std::exp2(-60.0L));
}

TEST_CASE("A byte that comes too often is found", "[selftest]") {
  auto bytes = random_bytes(std::size_t{1} << 16U);
  for (std::size_t i = 0; i < bytes.size(); i += 6) bytes[i] = std::byte{0x41};
  const auto found = check_randomness(bytes);
  REQUIRE_FALSE(found);
  CHECK_THAT(found.error().message, ContainsSubstring("of 512 bytes are alike"));
}

}  // namespace
}  // namespace cloister::crypto
