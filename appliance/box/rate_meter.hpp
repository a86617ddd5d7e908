#pragma once
/// The rate at which a counter grows, over the last seconds.

#include <chrono>
#include <cstdint>
#include <deque>

namespace cloister::box {

class RateMeter {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  explicit RateMeter(std::chrono::seconds span = std::chrono::seconds{10}) : span_{span} {}

  void sample(std::uint64_t counter, Instant now) {
    samples_.push_back({now, counter});
    while (samples_.size() > 2 && now - samples_[1].at >= span_) samples_.pop_front();
  }
  void clear() { samples_.clear(); }
  /// The samples reach over the whole span.
  [[nodiscard]] bool full() const { return !samples_.empty() && samples_.back().at - samples_.front().at >= span_; }
  [[nodiscard]] std::uint64_t newest() const { return samples_.empty() ? 0 : samples_.back().counter; }
  /// Without new samples it falls, to nothing once the newest is older than the span.
  [[nodiscard]] double per_second(Instant now) const {
    if (samples_.size() < 2 || now - samples_.back().at >= span_) return 0;
    const double seconds = std::chrono::duration<double>(now - samples_.front().at).count();
    return seconds > 0 ? static_cast<double>(samples_.back().counter - samples_.front().counter) / seconds : 0;
  }

 private:
  struct Sample {
    Instant at;
    std::uint64_t counter;
  };
  std::chrono::seconds span_;
  std::deque<Sample> samples_;
};

}  // namespace cloister::box
