#pragma once
/// All that watches over one device, as one: suspect as soon as one of the watches finds something, until the last has nothing any more.

#include <optional>
#include <span>
#include <utility>

#include "hal/watch/click_watch.hpp"
#include "hal/watch/randomness_watch.hpp"
#include "hal/watch/receiver_meters.hpp"
#include "hal/watch/replay_watch.hpp"
#include "hal/watch/transmitter_meters.hpp"
#include "hal/watch/vouched_light.hpp"

namespace cloister::hal::watch {

class ReceiverWatch {
 public:
  explicit ReceiverWatch(const Capabilities& receiver) : clicks_{receiver}, replay_{receiver}, meters_{receiver} {}
  /// What is wrong, or that nothing is any more.
  [[nodiscard]] std::optional<Finding> on_frame(const DetectionFrame& frame,
                                                const std::optional<ReceiverReadings>& readings) {
    covered_ = meters_.covers(readings);
    auto first = suspicion_.take(0, meters_.on_frame(frame, readings));
    for (auto next : {suspicion_.take(1, replay_.on_frame(frame)), suspicion_.take(2, clicks_.on_frame(frame))})
      if (!first || (first->clean && next && !next->clean)) first = next;
    return first;
  }
  /// Whether key may be made of that frame: nothing is suspect, and no meter was silent on it.
  [[nodiscard]] bool vouches() const { return covered_ && !suspicion_.suspect(); }

 private:
  Suspicion<3> suspicion_;
  bool covered_ = false;
  ClickWatch clicks_;
  ReplayWatch replay_;
  ReceiverMeters meters_;
};

class TransmitterWatch {
 public:
  explicit TransmitterWatch(const Capabilities& transmitter) : randomness_{transmitter}, meters_{transmitter} {}
  /// The slots up to `sent` of the epoch have been sent. `readings`: new ones, if there are any.
  [[nodiscard]] std::optional<Finding> on_light(Epoch epoch, Slot sent,
                                                const std::optional<TransmitterReadings>& readings) {
    if (epoch != epoch_ || sent < sent_) sent_ = 0;
    epoch_ = epoch;
    const Slot first = std::exchange(sent_, sent);
    auto finding = suspicion_.take(0, meters_.on_light(sent - first, readings));
    if (suspicion_.suspect() || !meters_.covers(readings)) return finding;
    if (!meters_.has_any())
      vouched_.vouch(epoch, first, sent - first);
    else if (readings->epoch == epoch)
      vouched_.vouch(epoch, readings->first, readings->slots);
    return finding;
  }
  [[nodiscard]] std::optional<Finding> on_symbols(std::span<const Symbol, RandomnessWatch::sample_slots> symbols) {
    return suspicion_.take(1, randomness_.on_symbols(symbols));
  }
  /// Whether key may be made of these slots, which ascend.
  [[nodiscard]] bool vouches(Epoch epoch, std::span<const Slot> slots) const { return vouched_.vouches(epoch, slots); }
  /// How many slots it has ever vouched for.
  [[nodiscard]] std::uint64_t vouched_slots() const { return vouched_.slots(); }

 private:
  Suspicion<2> suspicion_;
  RandomnessWatch randomness_;
  TransmitterMeters meters_;
  VouchedLight vouched_;
  Epoch epoch_ = 0;
  Slot sent_ = 0;
};

}  // namespace cloister::hal::watch
