#pragma once
/// When something that was wrong with a device has not been wrong for long enough.

#include <cstdint>
#include <optional>

#include "hal/watch/finding.hpp"

namespace cloister::hal::watch {

/// So long without a finding, and all is well again.
inline constexpr double quiet_seconds = 1;
/// So long without a reading, and a meter is silent.
inline constexpr double silent_seconds_max = 0.1;

class QuietAgain {
 public:
  /// `slots`: so many without a finding.
  explicit QuietAgain(std::uint64_t slots) : wanted_{slots} {}
  /// `found`: in the slots that have just gone by. Gives it, or, once, that all is well again.
  [[nodiscard]] std::optional<Finding> after(std::uint64_t slots, std::optional<Finding> found) {
    if (found) {
      wrong_ = true;
      quiet_ = 0;
      return found;
    }
    quiet_ += slots;
    if (!wrong_ || quiet_ < wanted_) return std::nullopt;
    wrong_ = false;
    return Finding{};
  }

 private:
  std::uint64_t wanted_;
  std::uint64_t quiet_ = 0;
  bool wrong_ = false;
};

}  // namespace cloister::hal::watch
