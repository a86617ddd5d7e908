#pragma once
/// How long to wait before the next attempt: a second, doubled each time up to a minute, of which the last quarter is drawn
/// at random, so that two boxes do not knock in step.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <span>

#include "crypto/random.hpp"

namespace cloister::box {

class BackOff {
 public:
  static constexpr std::chrono::milliseconds first{1000};
  static constexpr std::chrono::milliseconds longest{60'000};

  [[nodiscard]] std::chrono::milliseconds next(crypto::Random& random) {
    const auto whole = next_;
    next_ = std::min(2 * next_, longest);
    return jittered(whole, random);
  }
  void reset() { next_ = first; }

  [[nodiscard]] static std::chrono::milliseconds jittered(std::chrono::milliseconds whole, crypto::Random& random) {
    std::array<std::uint16_t, 1> drawn{};
    random.fill(std::as_writable_bytes(std::span{drawn}));
    return whole - whole * drawn[0] / 4 / 65'536;
  }

 private:
  std::chrono::milliseconds next_ = first;
};

}  // namespace cloister::box
