#include "appliance/vpn/replay_window.hpp"

#include <algorithm>

namespace cloister::vpn {

bool ReplayWindow::acceptable(std::uint64_t sequence) const {
  if (sequence == 0) return false;  // never sent (RFC 4303, 3.3.3)
  if (sequence > newest_) return true;
  if (newest_ - sequence >= size) return false;
  return ((ring_[(sequence / 64) % words] >> (sequence % 64)) & 1U) == 0;
}

bool ReplayWindow::accept(std::uint64_t sequence) {
  if (!acceptable(sequence)) return false;
  if (sequence > newest_) {
    // The words that come into the window are cleared: at most the whole ring (RFC 6479, section 2).
    const std::uint64_t fresh = std::min(sequence / 64 - newest_ / 64, words);
    for (std::uint64_t i = 1; i <= fresh; ++i) ring_[(newest_ / 64 + i) % words] = 0;
    if (fresh == words) ring_.fill(0);
    newest_ = sequence;
  }
  ring_[(sequence / 64) % words] |= std::uint64_t{1} << (sequence % 64);
  return true;
}

}  // namespace cloister::vpn
