#pragma once
/// What a watch over a device finds, and how sure it must be.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>

namespace cloister::hal::watch {

/// The chance that a test, once, finds something wrong with a device that is not touched: at most this. Of three meters there are 300 readings
/// a second, beside which windows are few: below 1e-6 for a block that takes less than 50 minutes.
inline constexpr double false_alarm = 1e-12;

/// Gaussian noise is farther out than so many deviations, to either side, with at most that chance: P(|x| > k) ≤ 2 e^(-k² / 2).
inline double deviations() { return std::sqrt(2 * std::log(2 / false_alarm)); }

struct Finding {
  bool clean = true;
  std::string text;  ///< What is wrong, for a person.
};

/// Several watches over one device: it is suspect as long as one of them says so.
template <std::size_t parts>
class Suspicion {
 public:
  /// What is wrong, as often as it is found; that nothing is any more, once the last of the watches says so.
  [[nodiscard]] std::optional<Finding> take(std::size_t part, std::optional<Finding> finding) {
    if (!finding) return std::nullopt;
    suspect_[part] = !finding->clean;
    if (finding->clean && suspect()) return std::nullopt;
    return finding;
  }

  [[nodiscard]] bool suspect() const { return std::ranges::contains(suspect_, true); }

 private:
  std::array<bool, parts> suspect_{};  // by part
};

}  // namespace cloister::hal::watch
