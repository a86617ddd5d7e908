#pragma once
/// The bytes of a frame that a vendor's process has written: the one place where they become a frame, or an error.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "crypto/error.hpp"
#include "hal/frame.hpp"

namespace cloister::hal::plugin {

inline constexpr std::uint64_t plugin_frame_slots_max = std::uint64_t{1} << 32;

struct ReadFrame {
  DetectionFrame frame;
  std::uint64_t lost = 0;
  std::uint64_t double_clicks = 0;
};

/// `bytes` are the service's own copy of a FrameHead and of its detections; more than that is not looked at.
[[nodiscard]] Result<ReadFrame> parse_frame(std::span<const std::byte> bytes);

/// Holds each frame to those before it: ascending, not overlapping, losses that only grow.
class FrameOrder {
 public:
  [[nodiscard]] Result<> follows(const ReadFrame& frame);

 private:
  std::optional<Epoch> epoch_;
  Slot next_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace cloister::hal::plugin
