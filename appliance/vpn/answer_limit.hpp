#pragma once
/// How many errors are sent at most (RFC 4443, section 2.4 f; RFC 1812, section 4.3.2.8): a bucket of tokens.

#include <algorithm>
#include <chrono>

namespace cloister::vpn {

class AnswerLimit {
 public:
  static constexpr std::chrono::milliseconds one_each{5};
  static constexpr int at_once = 50;

  /// Whether one more may be sent now. Time does not go back.
  [[nodiscard]] bool take(std::chrono::steady_clock::time_point now) {
    // Time before which all tokens have been taken: it runs after `now`, at most a whole bucket behind.
    taken_until_ = std::max(taken_until_, now - at_once * one_each);
    if (taken_until_ + one_each > now) return false;
    taken_until_ += one_each;
    return true;
  }

 private:
  std::chrono::steady_clock::time_point taken_until_{};
};

}  // namespace cloister::vpn
