#pragma once
/// Notices that the light is gone while everything else works: the fibre is cut, a shutter is closed, a laser has died.
/// What is left then are dark counts, far below what the link brought before.

#include <chrono>
#include <cstdint>

#include "appliance/box/rate_meter.hpp"

namespace cloister::box {

class LightWatch {
 public:
  using Instant = RateMeter::Instant;
  enum class Change { none, lost, found };

  static constexpr std::chrono::seconds window{3};
  static constexpr double lost_below = 0.1;   // of the rate that the link brought
  static constexpr double found_above = 0.3;  // so that it does not flicker

  /// The count of detections so far. While nobody could report one (no session, no device) call `rest` instead.
  [[nodiscard]] Change sample(std::uint64_t detections, Instant now) {
    if (detections < meter_.newest()) rest();
    meter_.sample(detections, now);
    if (!meter_.full()) return Change::none;
    rate_ = meter_.per_second(now);
    if (dark_) {
      if (rate_ < found_above * usual_) return Change::none;
      dark_ = false;
      return Change::found;
    }
    if (rate_ < lost_below * usual_) {
      dark_ = true;
      return Change::lost;
    }
    usual_ = usual_ == 0 ? rate_ : usual_ + (rate_ - usual_) * smoothing;
    return Change::none;
  }

  /// Forgets the window, not what is usual.
  void rest() { meter_.clear(); }

  [[nodiscard]] bool dark() const { return dark_; }
  [[nodiscard]] double rate() const { return rate_; }    // detections a second, over the window
  [[nodiscard]] double usual() const { return usual_; }  // the same in good times

 private:
  static constexpr double smoothing = 0.01;  // of a sample; four a second make about half a minute

  RateMeter meter_{window};
  double usual_ = 0;
  double rate_ = 0;
  bool dark_ = false;
};

}  // namespace cloister::box
