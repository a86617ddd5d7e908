#pragma once
/// How a budget for a link's whole life becomes the epsilons of one block. Epsilons of keys add up (composability), so
/// each block gets the budget's share for the number of blocks that are planned.

namespace cloister::distill {

struct EpsilonPlan {
  double budget = 1e-6;
  double years = 10;
  double blocks_per_second = 30;

  [[nodiscard]] double per_block() const {
    constexpr double seconds_per_year = 365.25 * 86'400;
    return budget / (years * seconds_per_year * blocks_per_second);
  }
  /// Correctness is the cheaper: it costs 1 bit for each halving, secrecy 4 to 6 and wider bounds.
  [[nodiscard]] double eps_sec() const { return 0.9 * per_block(); }
  [[nodiscard]] double eps_cor() const { return 0.1 * per_block(); }
};

}  // namespace cloister::distill
