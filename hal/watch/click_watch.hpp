#pragma once
/// Watches over a receiver by its clicks alone, for what the error rate does not show: detectors that somebody else makes click.
///
///   frames ─▶ window: clicks, double clicks, ones, slots ─▶ clean │ suspicious, and why
///
/// Double clicks. Light that is what the transmitter says it is, behind whatever loss, splits on the two detectors of the
/// other basis, so from the rate of clicks follows a least rate of double clicks: with mean λ_k at the detectors
///
///   at least  2 z (1 - z) Σ_k p_k (1 - e^(-λ_k / 2))^2  a slot,   λ_k = μ_k (clicks a slot) / Σ p_k μ_k
///
/// as 1 - e^-x ≤ x, and dead time only raises it for a given rate of clicks. A blinded detector makes none. Far more than
/// these are light too bright to be the transmitter's. Lydersen et al., Nat. Photonics 4, 686 (2010); Lütkenhaus, PRA 59, 3301 (1999).
///
/// Bits. Ones and zeros are alike but for how alike the detectors are. Makarov, Anisimov and Skaar, PRA 74, 022313 (2006).
///
/// Limits are where Chernoff's and Hoeffding's bounds on an honest link's chance fall below `false_alarm` for one test;
/// two windows run side by side. The short one is as long as it takes to expect 30 double clicks, and finds detectors that
/// are blind; the long one, of 300, those that are blind half of the time. Neither is longer than 1e7 clicks: beyond, on links
/// of more than some 40 dB, double clicks say nothing. An engine: no clock, no I/O.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "hal/device.hpp"
#include "hal/watch/finding.hpp"

namespace cloister::hal::watch {

class ClickWatch {
 public:
  /// `capabilities`: of the receiver, which knows what light the link is set to.
  explicit ClickWatch(const Capabilities& capabilities) : capabilities_{capabilities} {}

  /// A finding, when this frame ends a window: what is wrong, or that nothing is, for as long as the window in which something was.
  [[nodiscard]] std::optional<Finding> on_frame(const DetectionFrame& frame);

 private:
  struct Window {
    std::uint64_t slots = 0;
    std::uint64_t clicks = 0;
    std::uint64_t doubles = 0;
    std::uint64_t ones = 0;
  };
  [[nodiscard]] bool says_something(const Window& window, double doubles_wanted) const;
  [[nodiscard]] Finding judge(const Window& window) const;
  /// Of pulses that split evenly on two detectors, in the window.
  [[nodiscard]] double coincidences(const Window& window) const;
  [[nodiscard]] double doubles_least(const Window& window) const;

  Capabilities capabilities_;
  std::array<Window, 2> windows_;  // the short one first
  std::size_t suspect_ = 0;        // the longest in which something was wrong since all was well
  std::optional<Epoch> epoch_;
};

}  // namespace cloister::hal::watch
