#pragma once
/// How often something was seen of how many times, held to a probability.

#include <cmath>
#include <cstdint>
#include <format>
#include <string_view>

#include "hal/plugin/check/conformance.hpp"

namespace cloister::hal::plugin {

struct Frequency {
  std::uint64_t seen = 0;
  std::uint64_t of = 0;
  void count(bool happened) {
    seen += happened ? 1 : 0;
    ++of;
  }
};

/// Five standard deviations: a false verdict in two million. `tolerance` is what may be off besides.
inline Finding held_to(const Frequency& frequency, double probability, double tolerance, std::string_view what) {
  const auto n = static_cast<double>(frequency.of);
  const double share = n > 0 ? static_cast<double>(frequency.seen) / n : 0;
  const double allowed = tolerance + (n > 0 ? 5 * std::sqrt(probability * (1 - probability) / n) : 0);
  if (std::abs(share - probability) <= allowed)
    return {Verdict::ok, std::format("{}: {:.4f}, expected {:.4f}", what, share, probability)};
  return {Verdict::wrong,
          std::format("{}: {:.4f} of {}, expected {:.4f} ± {:.4f}", what, share, frequency.of, probability, allowed)};
}

}  // namespace cloister::hal::plugin
