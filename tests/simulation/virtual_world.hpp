#pragma once
/// A world with a clock of its own: events in the order of their times, equal times in the order in which they were
/// planned. Everything by chance comes from the seed, so that a run can be repeated by its number.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <string_view>

namespace cloister::simulation {

using Instant = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

class VirtualWorld {
 public:
  explicit VirtualWorld(std::uint64_t seed) : chance_{seed} {}

  [[nodiscard]] Instant now() const { return now_; }
  void plan(Instant at, std::function<void()> event) {
    events_.emplace(std::pair{std::max(at, now_), next_++}, std::move(event));
  }
  void plan_in(Duration delay, std::function<void()> event) { plan(now_ + delay, std::move(event)); }
  void run_until(Instant end) {
    while (!events_.empty() && events_.begin()->first.first <= end) {
      auto node = events_.extract(events_.begin());
      now_ = node.key().first;
      node.mapped()();
    }
    now_ = end;
  }

  /// Uniform in [0, below).
  [[nodiscard]] std::uint64_t below(std::uint64_t below) { return chance_() % below; }
  [[nodiscard]] bool happens(double probability) {
    return static_cast<double>(chance_() >> 11U) * 0x1p-53 < probability;
  }
  [[nodiscard]] Duration between(Duration least, Duration most) {
    return least + Duration{static_cast<Duration::rep>(below(static_cast<std::uint64_t>((most - least).count()) + 1))};
  }

  /// What happened, folded into a number (FNV-1a): two runs of one seed give the same.
  void note(std::string_view what, std::uint64_t figure) {
    const auto fold = [this](std::uint64_t value) { digest_ = (digest_ ^ value) * 0x100000001B3U; };
    for (const char character : what) fold(static_cast<std::uint64_t>(character));
    fold(figure);
    fold(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
  }
  [[nodiscard]] std::uint64_t digest() const { return digest_; }

 private:
  std::mt19937_64 chance_;
  Instant now_{std::chrono::hours{1}};
  std::map<std::pair<Instant, std::uint64_t>, std::function<void()>> events_;
  std::uint64_t next_ = 0;
  std::uint64_t digest_ = 0xCBF29CE484222325U;
};

}  // namespace cloister::simulation
