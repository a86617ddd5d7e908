#pragma once
/// Notices that a figure is beyond a limit for long enough; it is back only well on the good side, so that an alarm does
/// not flicker.
///
///   good ──beyond `raised_at`──▶ doubtful ──for `after`──▶ bad ──past `ended_at`──▶ good

#include <chrono>
#include <optional>

namespace cloister::box {

class LimitWatch {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  enum class Change { none, raised, ended };

  struct Limits {
    double raised_at;
    double ended_at;  // above `raised_at`: the figure is bad when low; below: when high
    std::chrono::milliseconds after;
    bool once_good;  // is bad only after it was good: what fills from nothing is not low yet
  };

  explicit LimitWatch(Limits limits) : limits_{limits}, armed_{!limits.once_good} {}

  /// From now on by these; what was raised is ended by them.
  void follow(Limits limits) { limits_ = limits; }

  [[nodiscard]] Change sample(double figure, Instant now) {
    const bool low = limits_.ended_at > limits_.raised_at;
    const bool good = low ? figure >= limits_.ended_at : figure <= limits_.ended_at;
    const bool beyond = low ? figure < limits_.raised_at : figure > limits_.raised_at;
    if (good) armed_ = true;
    if (bad_) {
      if (!good) return Change::none;
      bad_ = false;
      return Change::ended;
    }
    if (!beyond || !armed_) {
      beyond_since_.reset();
      return Change::none;
    }
    if (!beyond_since_) beyond_since_ = now;
    if (now - *beyond_since_ < limits_.after) return Change::none;
    beyond_since_.reset();
    bad_ = true;
    return Change::raised;
  }

 private:
  Limits limits_;
  bool armed_;
  bool bad_ = false;
  std::optional<Instant> beyond_since_;
};

}  // namespace cloister::box
