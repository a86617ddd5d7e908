#pragma once
/// Watches over a receiver by what its own meters show: for attacks that make no error and may leave the clicks as they were.
///
///   photocurrent   more than twice what the clicks and the dark make: the detectors are shone at. Every reading.
///   arrivals       the clicks of a detector are shared out over the gate otherwise than calibrated, by more than a tenth:
///                  ½ Σ |f_i - q_i|  >  0.1 + ½ Σ sqrt(q_i (1 - q_i) / n) + sqrt(ln(2 / α) / 2n)              in n clicks
///                  as the distance's mean is at most the second term (Jensen) and one click moves it by at most 1/n (McDiarmid,
///                  Surveys in Combinatorics 148 (1989)). Time shifts; pulses behind the gate.
///   dimmed gates   a gate of half the efficiency clicks half as often, 0.4 to 0.6 with dark counts and saturation: where it
///                  does not, n D(f ‖ p) > ln(1 / α), by the Chernoff bound with the relative entropy D, p the share of clicks in dimmed
///                  gates at that limit. Lim et al., IEEE J. Sel. Top. Quantum Electron. 21, 6601305 (2015). Bright pulses.
///   silence        a meter that the device has, and that says nothing for a tenth of a second; or that says what cannot be: of other
///                  slots or other clicks than the frame's, of a share of dimmed gates that is none, with a noise beyond any meter's.
///
/// α is `false_alarm`. What was wrong is right again after a second in which nothing was. An engine: its clock is the slots.

#include <cstdint>
#include <optional>

#include "hal/device.hpp"
#include "hal/watch/finding.hpp"
#include "hal/watch/quiet_again.hpp"

namespace cloister::hal::watch {

class ReceiverMeters {
 public:
  explicit ReceiverMeters(const Capabilities& receiver);
  /// `readings`: of this frame, if there are any.
  [[nodiscard]] std::optional<Finding> on_frame(const DetectionFrame& frame,
                                                const std::optional<ReceiverReadings>& readings);
  /// Whether every meter that the device has says something of this frame: of others nobody can vouch for the clicks.
  [[nodiscard]] bool covers(const std::optional<ReceiverReadings>& readings) const;

 private:
  [[nodiscard]] std::optional<Finding> look(const DetectionFrame& frame,
                                            const std::optional<ReceiverReadings>& readings);
  [[nodiscard]] std::optional<Finding> judge_silence(std::uint64_t slots,
                                                     const std::optional<ReceiverReadings>& readings);
  [[nodiscard]] std::optional<Finding> judge_consistency(const DetectionFrame& frame,
                                                         const ReceiverReadings& readings) const;
  [[nodiscard]] std::optional<Finding> judge_current(const ReceiverReadings& readings) const;
  [[nodiscard]] std::optional<Finding> judge_arrivals(const Arrivals& arrivals);
  [[nodiscard]] std::optional<Finding> judge_dimmed(const DimmedGates& gates);

  Meters meters_;
  double clock_hz_;
  QuietAgain quiet_;
  struct Silence {
    std::uint64_t photocurrent = 0;
    std::uint64_t arrivals = 0;
    std::uint64_t dimmed_gates = 0;
  } silent_slots_;
  Arrivals arrivals_;
  DimmedGates dimmed_;
};

}  // namespace cloister::hal::watch
