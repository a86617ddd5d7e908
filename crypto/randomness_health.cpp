#include <algorithm>
#include <cmath>
#include <format>

#include "crypto/self_test.hpp"

namespace cloister::crypto {
namespace {

constexpr double false_alarm_log2 = -60;
constexpr double entropy_bits = 8;  // of a byte

/// log of the probability that exactly `hits` of `trials` happen, each with probability 2^-entropy_bits.
double log_binomial(std::uint32_t trials, std::uint32_t hits) {
  const double p = std::exp2(-entropy_bits);
  const double n = trials;
  const double k = hits;
  return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) + k * std::log(p) + (n - k) * std::log1p(-p);
}

}  // namespace

/// SP 800-90B, 4.4.1: 1 + ceil(-log2(alpha) / H).
std::uint32_t repetition_cutoff() {
  return 1 + static_cast<std::uint32_t>(std::ceil(-false_alarm_log2 / entropy_bits));
}

/// SP 800-90B, 4.4.2: the least count that is reached with a probability of at most alpha; the first byte is one of
/// them.
std::uint32_t proportion_cutoff() {
  const double alpha = std::exp2(false_alarm_log2);
  double tail = 0;
  std::uint32_t hits = proportion_window - 1;
  for (; hits > 0; --hits) {
    const double more = tail + std::exp(log_binomial(proportion_window - 1, hits));
    if (more > alpha) break;
    tail = more;
  }
  return hits + 2;
}

Result<> check_randomness(std::span<const std::byte> bytes) {
  const auto repetitions = repetition_cutoff();
  std::uint32_t run = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    run = i > 0 && bytes[i] == bytes[i - 1] ? run + 1 : 1;
    if (run >= repetitions) return fail(std::format("{} equal bytes in a row, of randomness", run));
  }
  const auto cutoff = proportion_cutoff();
  for (std::size_t at = 0; at + proportion_window <= bytes.size(); at += proportion_window) {
    const auto window = bytes.subspan(at, proportion_window);
    const auto equal = static_cast<std::uint32_t>(std::ranges::count(window, window.front()));
    if (equal >= cutoff)
      return fail(std::format("{} of {} bytes are alike, of randomness: fewer than {} may be", equal, proportion_window,
                              cutoff));
  }
  return {};
}

}  // namespace cloister::crypto
