#pragma once
/// Whether a vendor's process keeps the pace of real hardware: it lives, its slots pass no faster than its clock, its
/// detectors click no faster than they can, epochs are rare. Time comes in with each look.

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "crypto/error.hpp"
#include "hal/frame.hpp"

namespace cloister::hal::plugin {

using Instant = std::chrono::steady_clock::time_point;

/// Calls of a library are to return within 1 s (cloister_hal.h); the rest is for a busy machine.
inline constexpr std::chrono::seconds call_seconds_max{3};
inline constexpr std::chrono::seconds open_seconds_max{30};

class Pace {
 public:
  Pace(double clock_hz, Instant now) : clock_hz_{clock_hz}, alive_{now} {}

  /// The count of returned calls; `call` names the one that runs, for the message.
  [[nodiscard]] Result<> beat(std::uint64_t heartbeat, bool opened, const char* call, Instant now);
  /// `slots` of `epoch` have passed, as the library says.
  [[nodiscard]] Result<> slots(Epoch epoch, std::uint64_t slots, Instant now);
  /// `clicks` were reported for `slots` slots; `per_second_max` by the library's own word.
  [[nodiscard]] Result<> clicks(std::uint64_t clicks, std::uint64_t slots, double per_second_max);

 private:
  [[nodiscard]] Result<> new_epoch(Instant now);

  double clock_hz_;
  Instant alive_;
  std::uint64_t heartbeat_ = 0;
  std::optional<Epoch> epoch_;
  std::uint64_t first_slots_ = 0;
  Instant first_seen_{};
  std::deque<Instant> epochs_;
  std::uint64_t window_clicks_ = 0;
  std::uint64_t window_slots_ = 0;
};

}  // namespace cloister::hal::plugin
