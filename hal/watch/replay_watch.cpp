#include "hal/watch/replay_watch.hpp"

#include <algorithm>

namespace cloister::hal::watch {

namespace {

constexpr std::size_t clicks_min = 64;

/// FNV-1a over the clicks' offsets (Fowler, Noll and Vo): who chooses clicks so that two frames are told apart has not repeated them.
std::uint64_t fingerprint(const DetectionFrame& frame) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const auto& detection : frame.detections) {
    std::uint64_t offset = detection.slot - frame.first;
    for (int byte = 0; byte < 8; ++byte, offset >>= 8U) hash = (hash ^ (offset & 0xffU)) * 0x100000001b3U;
  }
  return hash;
}

}  // namespace

ReplayWatch::ReplayWatch(const Capabilities& receiver)
    : quiet_{static_cast<std::uint64_t>(quiet_seconds * receiver.clock_hz)} {}

std::optional<Finding> ReplayWatch::on_frame(const DetectionFrame& frame) {
  if (frame.detections.size() < clicks_min) return quiet_.after(frame.slots, std::nullopt);
  const auto now = fingerprint(frame);
  const bool again = std::ranges::contains(seen_, now);
  if (!again) seen_[next_++ % seen_.size()] = now;
  return quiet_.after(
      frame.slots, again ? std::optional{Finding{.clean = false,
                                                 .text = "the receiver reports a frame of clicks that it has reported "
                                                         "before: its device is stuck, or gives old raw data anew"}}
                         : std::nullopt);
}

}  // namespace cloister::hal::watch
