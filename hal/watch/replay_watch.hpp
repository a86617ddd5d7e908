#pragma once
/// Whether a device reports frames that it has reported before, click by click: one that is stuck. Old clicks that are cut otherwise are met by
/// the QBER, which they make a half.
///
/// Frames are told apart by the places of their clicks in them, which are no secret. Of the last 512 frames of 64 clicks or more, no
/// two are alike by chance: with 64 clicks in 1e7 slots the chance is below 1e-300, and the fingerprints of two are alike once in
/// 2^64, that of one of a thousand frames of a block with one of 512 once in 3e13. An engine.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "hal/device.hpp"
#include "hal/watch/finding.hpp"
#include "hal/watch/quiet_again.hpp"

namespace cloister::hal::watch {

class ReplayWatch {
 public:
  explicit ReplayWatch(const Capabilities& receiver);
  [[nodiscard]] std::optional<Finding> on_frame(const DetectionFrame& frame);

 private:
  QuietAgain quiet_;
  std::array<std::uint64_t, 512> seen_{};
  std::size_t next_ = 0;
};

}  // namespace cloister::hal::watch
