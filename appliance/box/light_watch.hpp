#pragma once
/// Notices that the light is gone while everything else works: the fibre is cut, a shutter is closed, a laser has died.
/// What is left then are dark counts, far below what the link brought before.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "appliance/box/rate_meter.hpp"

namespace cloister::box {

class LightWatch {
 public:
  using Instant = RateMeter::Instant;
  enum class Change { none, lost, found };

  static constexpr std::chrono::seconds window{3};
  explicit LightWatch(double lost_below = 0.1, std::chrono::milliseconds after = {}) { follow(lost_below, after); }
  /// From now on by these limits.
  void follow(double lost_below, std::chrono::milliseconds after) {
    lost_below_ = lost_below;
    found_above_ = std::min(3 * lost_below, (1 + lost_below) / 2);
    after_ = after;
  }

  /// The count of detections so far. While nobody could report one (no session, no device) call `rest` instead.
  [[nodiscard]] Change sample(std::uint64_t detections, Instant now) {
    if (detections < meter_.newest()) rest();
    meter_.sample(detections, now);
    if (!meter_.full()) return Change::none;
    rate_ = meter_.per_second(now);
    if (dark_) {
      if (rate_ < found_above_ * usual_) return Change::none;
      dark_ = false;
      return Change::found;
    }
    if (rate_ < lost_below_ * usual_) {
      if (!low_since_) low_since_ = now;
      if (now - *low_since_ < after_) return Change::none;
      low_since_.reset();
      dark_ = true;
      return Change::lost;
    }
    low_since_.reset();
    usual_ = usual_ == 0 ? rate_ : usual_ + (rate_ - usual_) * smoothing;
    return Change::none;
  }

  /// Forgets the window, not what is usual.
  void rest() {
    meter_.clear();
    low_since_.reset();
  }

  [[nodiscard]] bool dark() const { return dark_; }
  [[nodiscard]] double rate() const { return rate_; }    // detections a second, over the window
  [[nodiscard]] double usual() const { return usual_; }  // the same in good times

 private:
  static constexpr double smoothing = 0.01;  // of a sample; four a second make about half a minute

  double lost_below_ = 0;   // of the rate that the link brought
  double found_above_ = 0;  // so that it does not flicker
  std::chrono::milliseconds after_{0};
  std::optional<Instant> low_since_;
  RateMeter meter_{window};
  double usual_ = 0;
  double rate_ = 0;
  bool dark_ = false;
};

}  // namespace cloister::box
