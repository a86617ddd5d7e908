#pragma once
/// Anti-replay by a ring of bit words (RFC 6479), over 64-bit sequence numbers.

#include <array>
#include <cstdint>

namespace cloister::vpn {

class ReplayWindow {
 public:
  /// Numbers this far behind the newest are still told apart.
  static constexpr std::uint64_t size = 8192 - 64;

  /// Whether the number is new and not too old; to be asked before authentication.
  [[nodiscard]] bool acceptable(std::uint64_t sequence) const;
  /// Records the number; only after authentication. False when it was not acceptable.
  bool accept(std::uint64_t sequence);
  [[nodiscard]] std::uint64_t newest() const { return newest_; }

 private:
  static constexpr std::uint64_t words = 128;
  std::array<std::uint64_t, words> ring_{};
  std::uint64_t newest_ = 0;
};

}  // namespace cloister::vpn
