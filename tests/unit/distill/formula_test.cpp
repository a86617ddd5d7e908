// The secret length: the paper's equations recomputed here in another way, and what must hold whatever the counts.
#include <array>
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "appliance/distill/rusca2018.hpp"

namespace cloister::distill {
namespace {
using Catch::Approx;

/// Counts that a line gives: gains proportional to the mean photon number, errors at a rate.
Account account_of(double n, double qber, double test_share = 0.155) {
  Account account;
  account.parameters.intensities = {0.5, 0.15};
  account.parameters.probabilities = {0.6, 0.4};
  const double signal = 0.6 * 0.5 / (0.6 * 0.5 + 0.4 * 0.15);
  for (std::size_t k = 0; k < 2; ++k) {
    const double share = k == 0 ? signal : 1 - signal;
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
  CHECK(binary_entropy(0) == 0);
  CHECK(binary_entropy(1) == 0);
  CHECK(binary_entropy(0.5) == Approx(1));
  CHECK(binary_entropy(0.11) == Approx(0.499916).epsilon(1e-5));
}

TEST_CASE("The bounds are those of Rusca et al. 2018, recomputed line by line", "[formula]") {
  const auto account = with_secret_length(account_of(1e6, 0.01));
  const double eps = 1e-10 / 19;
  const std::array mu{0.5, 0.15};
  const std::array p{0.6, 0.4};
  const double tau0 = 0.6 * std::exp(-0.5) + 0.4 * std::exp(-0.15);
  const double tau1 = 0.6 * std::exp(-0.5) * 0.5 + 0.4 * std::exp(-0.15) * 0.15;
  const auto delta = [&](double total) { return std::sqrt(total / 2 * std::log(1 / eps)); };
  const auto single = [&](const BasisCounts& basis) {
    const double n = static_cast<double>(basis.n[0] + basis.n[1]);
    const double m = static_cast<double>(basis.m[0] + basis.m[1]);
    const double signal = std::exp(mu[0]) / p[0] * (static_cast<double>(basis.n[0]) + delta(n));
    const double decoy = std::exp(mu[1]) / p[1] * (static_cast<double>(basis.n[1]) - delta(n));
    double empty = 2 * (m + delta(n));
    for (std::size_t k = 0; k < 2; ++k)
      empty = std::min(empty,
                       2 * (tau0 * std::exp(mu[k]) / p[k] * (static_cast<double>(basis.m[k]) + delta(m)) + delta(n)));
    return tau1 * mu[0] / (mu[1] * (mu[0] - mu[1])) *
           (decoy - mu[1] * mu[1] / (mu[0] * mu[0]) * signal -
            (mu[0] * mu[0] - mu[1] * mu[1]) / (mu[0] * mu[0]) * empty / tau0);
  };
  CHECK(account.s_key_1 == Approx(single(account.key)));
  CHECK(account.s_test_1 == Approx(single(account.test)));
  const double m = static_cast<double>(account.test.m[0] + account.test.m[1]);
  const double errors = tau1 / (mu[0] - mu[1]) *
                        (std::exp(mu[0]) / p[0] * (static_cast<double>(account.test.m[0]) + delta(m)) -
                         std::exp(mu[1]) / p[1] * (static_cast<double>(account.test.m[1]) - delta(m)));
  CHECK(account.v_test_1 == Approx(errors));
  const double b = errors / account.s_test_1;
  const double c = account.s_key_1;
  const double d = account.s_test_1;
  const double gamma = std::sqrt((c + d) * (1 - b) * b / (c * d * std::log(2.0)) *
                                 std::log2((c + d) / (c * d * (1 - b) * b) * 19.0 * 19.0 / (1e-10 * 1e-10)));
  CHECK(account.phase_error == Approx(b + gamma));
  const double length = account.s_key_0 + c * (1 - binary_entropy(b + gamma)) -
                        static_cast<double>(account.leakage_bits()) - 6 * std::log2(19 / 1e-10) - std::log2(2 / 1e-15);
  CHECK(account.length_bits == static_cast<std::uint64_t>(length));
  CHECK(account.length_bits > 200'000);
}

TEST_CASE("More errors never give more key, and too many give none", "[formula]") {
  std::uint64_t last = ~std::uint64_t{0};
  for (double qber = 0.002; qber < 0.12; qber += 0.002) {
    const auto length = with_secret_length(account_of(1e6, qber)).length_bits;
    CHECK(length <= last);
    last = length;
  }
  CHECK(last == 0);
}

TEST_CASE("More leakage, smaller blocks or a smaller epsilon give less key", "[formula]") {
  const auto base = with_secret_length(account_of(1e6, 0.01));
  auto leaky = account_of(1e6, 0.01);
  leaky.parity_bits += 1000;
  CHECK(with_secret_length(leaky).length_bits == base.length_bits - 1000);
  auto strict = account_of(1e6, 0.01);
  strict.parameters.eps_sec = 1e-15;
  CHECK(with_secret_length(strict).length_bits < base.length_bits);
  CHECK(static_cast<double>(with_secret_length(account_of(1e7, 0.01)).length_bits) >
        10.0 * static_cast<double>(base.length_bits));
  CHECK(with_secret_length(account_of(1e3, 0.01)).length_bits == 0);
}

TEST_CASE("Counts that cannot be, or say nothing, give no key", "[formula]") {
  CHECK(with_secret_length(Account{}).length_bits == 0);
  auto impossible = account_of(1e6, 0.01);
  impossible.key.m[0] = impossible.key.n[0] + 1;
  CHECK(with_secret_length(impossible).length_bits == 0);
  auto spotless = account_of(1e6, 0.01);
  spotless.test.m = {0, 0};
  CHECK(with_secret_length(spotless).length_bits == 0);
  auto untested = account_of(1e6, 0.01);
  untested.test = {};
  CHECK(with_secret_length(untested).length_bits == 0);
}

TEST_CASE("An account is one line of JSON from which the length follows", "[formula]") {
  const auto line = with_secret_length(account_of(1e6, 0.01)).to_json();
  CHECK_FALSE(line.contains('\n'));
  for (const char* name : {"block", "eps_sec", "parity_bits", "phase_error", "length_bits"})
    CHECK(line.contains(std::string{"\""} + name));
}

}  // namespace
}  // namespace cloister::distill
