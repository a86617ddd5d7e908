#pragma once
/// The rate at which a counter grows, over about the last ten seconds.

#include <chrono>
#include <cstdint>
#include <deque>

namespace cloister::box {

class RateMeter {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds span{10};

  void sample(std::uint64_t counter, Instant now) {
    samples_.push_back({now, counter});
    while (samples_.size() > 2 && now - samples_[1].at >= span) samples_.pop_front();
  }
  /// Without new samples it falls, to nothing once the newest is older than the span.
  [[nodiscard]] double per_second(Instant now) const {
    if (samples_.size() < 2 || now - samples_.back().at >= span) return 0;
    const double seconds = std::chrono::duration<double>(now - samples_.front().at).count();
    return seconds > 0 ? static_cast<double>(samples_.back().counter - samples_.front().counter) / seconds : 0;
  }

 private:
  struct Sample {
    Instant at;
    std::uint64_t counter;
  };
  std::deque<Sample> samples_;
};

}  // namespace cloister::box
