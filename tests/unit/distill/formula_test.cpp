// What must hold of every bound whatever the counts. That the bounds are the papers' is shown by tests/interop/account,
// an implementation of its own.
#include <algorithm>
#include <array>
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>

#include "appliance/distill/account.hpp"
#include "appliance/distill/binary_entropy.hpp"

namespace cloister::distill {
namespace {
using Catch::Approx;

constexpr std::array all{Bound::lim2014, Bound::rusca2018, Bound::wiesemann2024};

/// Counts that a line gives: gains proportional to the mean photon number, dark counts, errors at a rate.
Account account_of(Bound bound, double n, double qber, double dark = 1e-5) {
  constexpr double test_share = 0.155;
  Account account;
  account.parameters.bound = bound;
  if (bound == Bound::lim2014) {
    account.parameters.intensities = {0.5, 0.1, 0.0002};
    account.parameters.probabilities = {0.5, 0.3, 0.2};
  }
  const auto& [mu, p] = std::pair{account.parameters.intensities, account.parameters.probabilities};
  double all_light = 0;
  for (std::size_t k = 0; k < intensities_max; ++k) all_light += p[k] * (mu[k] + dark);
  for (std::size_t k = 0; k < intensities_max; ++k) {
    const double share = p[k] * (mu[k] + dark) / all_light;
    account.key.n[k] = static_cast<std::uint64_t>(n * share);
    account.key.m[k] = static_cast<std::uint64_t>(n * share * qber);
    account.test.n[k] = static_cast<std::uint64_t>(n * test_share * share);
    account.test.m[k] = static_cast<std::uint64_t>(n * test_share * share * qber);
  }
  account.parity_bits = static_cast<std::uint64_t>(1.1 * n * binary_entropy(qber));
  account.verification_bits = 128;
  return account;
}

TEST_CASE("Binary entropy at its known points", "[formula]") {
  CHECK(binary_entropy(0.0) == 0);
  CHECK(binary_entropy(1.0) == 0);
  CHECK(binary_entropy(0.5) == Approx(1));
  CHECK(binary_entropy(0.11) == Approx(0.499916).epsilon(1e-5));
}

TEST_CASE("More errors never give more key, and too many give none", "[formula]") {
  for (const Bound bound : all) {
    INFO(to_string(bound));
    std::uint64_t last = ~std::uint64_t{0};
    for (double qber = 0.002; qber < 0.15; qber += 0.002) {
      const auto length = with_secret_length(account_of(bound, 1e7, qber)).length_bits;
      CHECK(length <= last);
      if (qber < 0.01) CHECK(length > 1'000'000);
      last = length;
    }
    CHECK(last == 0);
  }
}

TEST_CASE("More leakage, smaller blocks or a smaller epsilon give less key", "[formula]") {
  for (const Bound bound : all) {
    INFO(to_string(bound));
    const auto base = with_secret_length(account_of(bound, 1e7, 0.01));
    auto leaky = account_of(bound, 1e7, 0.01);
    leaky.parity_bits += 1000;
    CHECK(with_secret_length(leaky).length_bits == base.length_bits - 1000);
    auto strict = account_of(bound, 1e7, 0.01);
    strict.parameters.eps_sec = 1e-15;
    CHECK(with_secret_length(strict).length_bits < base.length_bits);
    CHECK(with_secret_length(account_of(bound, 1e8, 0.01)).length_bits > 10 * base.length_bits);
    for (const double tiny : {0.0, 1.0, 10.0, 1e3})
      CHECK(with_secret_length(account_of(bound, tiny, 0.01)).length_bits == 0);
  }
}

TEST_CASE("What the error pattern tells of empty pulses is charged where the bound counts them", "[formula]") {
  for (const Bound bound : all) {
    INFO(to_string(bound));
    const auto account = with_secret_length(account_of(bound, 1e9, 0.001, 0.2));
    CHECK(account.error_pattern_bits == static_cast<std::uint64_t>(std::ceil(account.s_key_0)));
    CHECK((account.error_pattern_bits > 0) == (bound != Bound::wiesemann2024));
    // Rusca's s_key_0 is positive only on lines so dark that they give no key anyway.
    if (bound == Bound::rusca2018) continue;
    auto uncharged = account.observation();
    uncharged.leakage_bits -= static_cast<double>(account.error_pattern_bits);
    CHECK(account.length_bits > 0);
    CHECK(secret_length(uncharged).length_bits == account.length_bits + account.error_pattern_bits);
  }
}

TEST_CASE("Counts that cannot be, or say nothing, give no key", "[formula]") {
  CHECK(with_secret_length(Account{}).length_bits == 0);
  for (const Bound bound : all) {
    INFO(to_string(bound));
    auto impossible = account_of(bound, 1e7, 0.01);
    impossible.key.m[0] = impossible.key.n[0] + 1;
    CHECK(with_secret_length(impossible).length_bits == 0);
    auto untested = account_of(bound, 1e7, 0.01);
    untested.test = {};
    CHECK(with_secret_length(untested).length_bits == 0);
    // Nearly all light at the decoy: the lower bound on single photons is above all that was detected.
    auto inverted = account_of(bound, 1e7, 0.01);
    std::swap(inverted.key.n[0], inverted.key.n[1]);
    std::swap(inverted.key.m[0], inverted.key.m[1]);
    CHECK(with_secret_length(inverted).length_bits <= inverted.key.detections());
    if (bound != Bound::wiesemann2024) CHECK(with_secret_length(inverted).length_bits == 0);
  }
}

TEST_CASE("Without a test error only Serfling's bound says something", "[formula]") {
  for (const Bound bound : all) {
    INFO(to_string(bound));
    auto spotless = account_of(bound, 1e7, 0.01);
    spotless.test.m = {};
    const auto account = with_secret_length(spotless);
    if (bound == Bound::wiesemann2024) {
      CHECK(account.phase_error > 0);
      CHECK(account.length_bits > 0);
    } else {
      CHECK(account.phase_error == 0.5L);
      CHECK(account.length_bits == 0);
    }
  }
}

TEST_CASE("Parameters that no link has are refused, each with its name", "[formula]") {
  const auto sane = account_of(Bound::lim2014, 1e7, 0.01).observation();
  CHECK(check(sane).has_value());
  const auto refused = [&](auto change, std::string_view name) {
    auto seen = sane;
    change(seen);
    const auto result = check(seen);
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().message.contains(name));
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  refused([](auto& seen) { seen.eps_sec = 0; }, "eps_sec");
  refused([nan](auto& seen) { seen.eps_cor = nan; }, "eps_cor");
  refused([](auto& seen) { seen.leakage_bits = -1; }, "leakage_bits");
  refused([nan](auto& seen) { seen.leakage_bits = nan; }, "leakage_bits");
  refused([](auto& seen) { seen.test.m[2] = seen.test.n[2] + 1; }, "test.m[2]");
  refused([](auto& seen) { std::swap(seen.intensities[0], seen.intensities[1]); }, "intensities[1]");
  refused([](auto& seen) { seen.intensities[0] = 0.1001; }, "intensities[0]");
  refused([](auto& seen) { seen.probabilities[1] = 0.1; }, "probabilities");
  refused([](auto& seen) { seen.probabilities[1] = -0.3; }, "probabilities[1]");
}

}  // namespace
}  // namespace cloister::distill
