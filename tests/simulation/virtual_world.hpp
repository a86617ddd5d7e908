#pragma once
/// A world with a clock of its own: events in the order of their times, equal times in the order in which they were
/// planned. Everything by chance comes from the seed, so that a run can be repeated by its number.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <format>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace cloister::simulation {

using Instant = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

class VirtualWorld {
 public:
  explicit VirtualWorld(std::uint64_t seed) : chance_{seed} {}

  /// Called after each event; what it finds may end the run.
  std::function<void()> after_each = [] {};

  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] Duration since_start() const { return now_ - start; }
  void plan(Instant at, std::move_only_function<void()> event) {
    events_.push_back({std::max(at, now_), next_++, std::move(event)});
    std::ranges::push_heap(events_, later);
  }
  void plan_in(Duration delay, std::move_only_function<void()> event) { plan(now_ + delay, std::move(event)); }
  void run_until(Instant end) {
    while (!stopped_ && !events_.empty() && events_.front().at <= end) {
      std::ranges::pop_heap(events_, later);
      Event next = std::move(events_.back());
      events_.pop_back();
      now_ = next.at;
      ++happened_;
      next.what();
      after_each();
    }
    if (!stopped_) now_ = end;
  }
  void run_for(Duration span) { run_until(now_ + span); }
  /// Nothing happens any more.
  void stop() { stopped_ = true; }
  [[nodiscard]] bool stopped() const { return stopped_; }
  [[nodiscard]] std::uint64_t events() const { return happened_; }

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

  /// A line of the trace, which is kept only where somebody will read it.
  void trace_from_now_on() { tracing_ = true; }
  template <class... Arguments>
  void say(std::string_view who, std::format_string<Arguments...> text, Arguments&&... arguments) {
    if (!tracing_) return;
    const auto seconds = std::chrono::duration<double>(since_start()).count();
    trace_.push_back(
        std::format("{:9.4f} {:8} {}", seconds, who, std::format(text, std::forward<Arguments>(arguments)...)));
  }
  [[nodiscard]] const std::vector<std::string>& trace() const { return trace_; }

 private:
  static constexpr Instant start{std::chrono::hours{1}};
  struct Event {
    Instant at;
    std::uint64_t number;
    std::move_only_function<void()> what;
  };
  static bool later(const Event& a, const Event& b) { return a.at != b.at ? a.at > b.at : a.number > b.number; }

  std::mt19937_64 chance_;
  Instant now_ = start;
  std::vector<Event> events_;  // a heap, the next one first
  std::uint64_t next_ = 0;
  std::uint64_t happened_ = 0;
  bool stopped_ = false;
  std::uint64_t digest_ = 0xCBF29CE484222325U;
  bool tracing_ = false;
  std::vector<std::string> trace_;
};

}  // namespace cloister::simulation
