#pragma once
/// Whether counts are what a closed form says, and whether a hundred such answers are themselves as they should be.

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace cloister::tests {

/// Pearson's p-value of `found`, one count a cell, where `trials` fall into cell i with probability[i]. What is in no
/// cell is one more. Cells are to expect five or more.
inline double chi_squared_p(std::span<const std::uint64_t> found, std::span<const double> probability, double trials) {
  double statistic = 0;
  double rest = trials;
  double rest_probability = 1;
  const auto add = [&](double count, double share) {
    const double expected = trials * share;
    REQUIRE(expected >= 5);
    statistic += (count - expected) * (count - expected) / expected;
  };
  for (std::size_t i = 0; i < found.size(); ++i) {
    add(static_cast<double>(found[i]), probability[i]);
    rest -= static_cast<double>(found[i]);
    rest_probability -= probability[i];
  }
  add(rest, rest_probability);
  const boost::math::chi_squared distribution{static_cast<double>(found.size())};
  return boost::math::cdf(boost::math::complement(distribution, statistic));
}

/// Kolmogorov's p-value of the claim that `values` are uniform in [0, 1]; its series for many values.
inline double uniform_p(std::vector<double> values) {
  std::ranges::sort(values);
  const auto count = static_cast<double>(values.size());
  double distance = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto below = static_cast<double>(i);
    distance = std::max({distance, values[i] - below / count, (below + 1) / count - values[i]});
  }
  const double scaled = distance * (std::sqrt(count) + 0.12 + 0.11 / std::sqrt(count));
  double p = 0;
  for (int k = 1; k <= 100; ++k) p += (k % 2 == 1 ? 2 : -2) * std::exp(-2.0 * k * k * scaled * scaled);
  return std::clamp(p, 0.0, 1.0);
}

}  // namespace cloister::tests
