#include "hal/plugin/pace.hpp"

#include <format>

namespace cloister::hal::plugin {

using namespace std::chrono_literals;

namespace {

// A crystal is good to 1e-4; frames that waited in the ring, and what the hardware had ready, come at once.
constexpr double faster_max = 1.01;
constexpr double ahead_seconds_max = 1;
// Both ends' restarts and bad fibres included.
constexpr std::size_t epochs_max = 8;
constexpr auto epochs_within = 10s;

}  // namespace

Result<> Pace::beat(std::uint64_t heartbeat, bool opened, const char* call, Instant now) {
  if (heartbeat != heartbeat_) alive_ = now;
  heartbeat_ = heartbeat;
  const std::chrono::seconds limit = opened ? call_seconds_max : open_seconds_max;
  if (now - alive_ > limit) return fail(std::format("hangs: it has been {} for {} s", call, limit.count()));
  return {};
}

Result<> Pace::new_epoch(Instant now) {
  while (!epochs_.empty() && now - epochs_.front() > epochs_within) epochs_.pop_front();
  epochs_.push_back(now);
  if (epochs_.size() > epochs_max)
    return fail(std::format("began {} epochs within {} s, expected {} at most", epochs_.size(), epochs_within.count(),
                            epochs_max));
  return {};
}

Result<> Pace::slots(Epoch epoch, std::uint64_t slots, Instant now) {
  if (epoch_ != epoch) {
    if (auto rare = new_epoch(now); !rare) return rare;
    epoch_ = epoch;
    first_slots_ = slots;
    first_seen_ = now;
  }
  if (slots < first_slots_) return fail(std::format("counts back: slot {} after {}", slots, first_slots_));
  const double passed = std::chrono::duration<double>(now - first_seen_).count();
  const double claimed = static_cast<double>(slots - first_slots_) / clock_hz_;
  if (claimed > faster_max * passed + ahead_seconds_max)
    return fail(std::format("lies about time: {:.1f} s of slots in {:.1f} s", claimed, passed));
  return {};
}

Result<> Pace::clicks(std::uint64_t clicks, std::uint64_t slots, double per_second_max) {
  window_clicks_ += clicks;
  window_slots_ += slots;
  const double seconds = static_cast<double>(window_slots_) / clock_hz_;
  // Over a second of slots, but a second's worth of clicks ends the wait as well.
  const double rate = static_cast<double>(window_clicks_);
  if (rate > 1.5 * per_second_max * (seconds < 1 ? 1 : seconds))
    return fail(std::format("floods: {} detections in {:.2f} s of slots, its detectors can report {:.3g} a second",
                            window_clicks_, seconds, per_second_max));
  if (seconds >= 1) window_clicks_ = window_slots_ = 0;
  return {};
}

}  // namespace cloister::hal::plugin
