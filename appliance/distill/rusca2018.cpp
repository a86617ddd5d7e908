#include "appliance/distill/rusca2018.hpp"

#include <algorithm>
#include <cmath>

namespace cloister::distill {
namespace {

/// eps_sec is the sum of 19 equal parts (A25).
constexpr double parts = 19;

/// The largest length that is believed: a double counts exactly so far.
constexpr double length_max = 9e15;

struct Bounds {
  double s_0 = 0;  // from empty pulses, at least
  double s_1 = 0;  // from single photons, at least
};

class Estimate {
 public:
  explicit Estimate(const Parameters& parameters) : parameters_{parameters}, epsilon_{parameters.eps_sec / parts} {
    for (std::size_t n = 0; n < tau_.size(); ++n) {
      for (std::size_t k = 0; k < intensity_count; ++k)
        tau_[n] += parameters.probabilities[k] * std::exp(-mu(k)) * std::pow(mu(k), n);
    }
  }

  /// Hoeffding's deviation of a count out of `total`: sqrt(total / 2 · ln(1 / eps)).
  [[nodiscard]] double delta(double total) const { return std::sqrt(total / 2 * std::log(1 / epsilon_)); }

  /// Lim, eq. (2): e^k / p_k (count ± delta(total)); `sign` is +1 or -1.
  [[nodiscard]] double corrected(const std::array<std::uint64_t, intensity_count>& counts, std::size_t k,
                                 int sign) const {
    const double total = sum(counts);
    return weight(k) * (static_cast<double>(counts[k]) + sign * delta(total));
  }

  /// (A14), (A16), (A17), (A19).
  [[nodiscard]] Bounds photons(const BasisCounts& basis) const {
    const double n = sum(basis.n);
    const double m = sum(basis.m);
    double empty_max = 2 * (m + delta(n));
    for (std::size_t k = 0; k < intensity_count; ++k) {
      empty_max =
          std::min(empty_max, 2 * (tau_[0] * weight(k) * (static_cast<double>(basis.m[k]) + delta(m)) + delta(n)));
    }
    const double signal_max = corrected(basis.n, 0, +1);
    const double decoy_min = corrected(basis.n, 1, -1);
    const double ratio = mu(1) * mu(1) / (mu(0) * mu(0));
    const double one = tau_[1] * mu(0) / (mu(1) * (mu(0) - mu(1))) *
                       (decoy_min - ratio * signal_max - (1 - ratio) * empty_max / tau_[0]);
    const double zero = tau_[0] / (mu(0) - mu(1)) * (mu(0) * decoy_min - mu(1) * signal_max);
    return {std::max(0.0, zero), std::max(0.0, one)};
  }

  /// (A22): errors from single photons, at most.
  [[nodiscard]] double single_photon_errors(const BasisCounts& basis) const {
    return std::max(0.0, tau_[1] / (mu(0) - mu(1)) * (corrected(basis.m, 0, +1) - corrected(basis.m, 1, -1)));
  }

  /// Lim, below eq. (5), with the constant that 19 parts give: from the error rate b of d tested to that of c untested.
  [[nodiscard]] double gamma(double b, double c, double d) const {
    const double term = (c + d) * (1 - b) * b / (c * d * std::log(2.0));
    const double logarithm =
        std::log2((c + d) / (c * d * (1 - b) * b) * parts * parts / (parameters_.eps_sec * parameters_.eps_sec));
    return std::sqrt(term * logarithm);
  }

  static double sum(const std::array<std::uint64_t, intensity_count>& counts) {
    double total = 0;
    for (const auto count : counts) total += static_cast<double>(count);
    return total;
  }

 private:
  [[nodiscard]] double mu(std::size_t k) const { return parameters_.intensities[k]; }
  [[nodiscard]] double weight(std::size_t k) const { return std::exp(mu(k)) / parameters_.probabilities[k]; }

  Parameters parameters_;
  double epsilon_;
  std::array<double, 2> tau_{};  // the probability that a pulse has 0, 1 photons
};

bool sensible(const BasisCounts& basis) {
  for (std::size_t k = 0; k < intensity_count; ++k) {
    if (basis.m[k] > basis.n[k]) return false;
  }
  return true;
}

/// (A23). Without any test error gamma would vanish: the bound then says nothing, and the phase error stays at one
/// half.
double phase_error(const Estimate& estimate, const Account& account) {
  const double ratio = account.s_test_1 > 0 ? account.v_test_1 / account.s_test_1 : 0.5;
  if (ratio >= 0.5 || ratio <= 0 || account.s_key_1 <= 0 || Estimate::sum(account.test.m) == 0) return 0.5;
  const double bound = ratio + estimate.gamma(ratio, account.s_key_1, account.s_test_1);
  return std::isfinite(bound) ? std::min(0.5, bound) : 0.5;
}

}  // namespace

double binary_entropy(double probability) {
  if (probability <= 0 || probability >= 1) return 0;
  return -probability * std::log2(probability) - (1 - probability) * std::log2(1 - probability);
}

Account with_secret_length(Account account) {
  const auto& parameters = account.parameters;
  account.length_bits = 0;
  account.phase_error = 0.5;
  account.penalty_bits = 6 * std::log2(parts / parameters.eps_sec) + std::log2(2 / parameters.eps_cor);
  if (!sensible(account.key) || !sensible(account.test)) return account;

  const Estimate estimate{parameters};
  const Bounds key = estimate.photons(account.key);
  account.s_key_0 = key.s_0;
  account.s_key_1 = key.s_1;
  account.s_test_1 = estimate.photons(account.test).s_1;
  account.v_test_1 = estimate.single_photon_errors(account.test);
  account.phase_error = phase_error(estimate, account);
  if (account.phase_error >= 0.5) return account;
  const double length = std::floor(account.s_key_0 + account.s_key_1 * (1 - binary_entropy(account.phase_error)) -
                                   static_cast<double>(account.leakage_bits()) - account.penalty_bits);
  if (std::isfinite(length) && length > 0 && length < length_max)
    account.length_bits = static_cast<std::uint64_t>(length);
  // Never more than there are bits, whatever the formula says.
  account.length_bits = std::min(account.length_bits, account.key.n[0] + account.key.n[1]);
  return account;
}

}  // namespace cloister::distill
