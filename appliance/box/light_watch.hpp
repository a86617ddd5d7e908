#pragma once
/// Notices that the light is gone while everything else works: the fibre is cut, a shutter is closed, a laser has died.
/// What is left then are dark counts, far below what the link brought before.

#include <chrono>
#include <cstdint>
#include <deque>

namespace cloister::box {

class LightWatch {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  enum class Change { none, lost, found };

  static constexpr std::chrono::seconds window{3};
  static constexpr double lost_below = 0.1;   // of the rate that the link brought
  static constexpr double found_above = 0.3;  // so that it does not flicker

  /// The count of detections so far. While nobody could report one (no session, no device) call `rest` instead.
  [[nodiscard]] Change sample(std::uint64_t detections, Instant now) {
    if (!samples_.empty() && detections < samples_.back().detections) rest();
    samples_.push_back({now, detections});
    if (now - samples_.front().at < window) return Change::none;
    while (now - samples_[1].at >= window) samples_.pop_front();
    const double seconds = std::chrono::duration<double>(now - samples_.front().at).count();
    rate_ = static_cast<double>(detections - samples_.front().detections) / seconds;
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
  void rest() { samples_.clear(); }

  [[nodiscard]] bool dark() const { return dark_; }
  [[nodiscard]] double rate() const { return rate_; }    // detections a second, over the window
  [[nodiscard]] double usual() const { return usual_; }  // the same in good times

 private:
  static constexpr double smoothing = 0.01;  // of a sample; four a second make about half a minute

  struct Sample {
    Instant at;
    std::uint64_t detections;
  };
  std::deque<Sample> samples_;
  double usual_ = 0;
  double rate_ = 0;
  bool dark_ = false;
};

}  // namespace cloister::box
