#pragma once
/// A device under examination: opened, served until a time, closed, with each failure as a finding.

#include <poll.h>

#include <chrono>
#include <format>
#include <memory>
#include <optional>
#include <utility>

#include "hal/plugin/check/conformance.hpp"
#include "hal/plugin/ring.hpp"

namespace cloister::hal::plugin {

using Clock = std::chrono::steady_clock;

inline std::chrono::milliseconds since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
}

template <class End>
class WatchedDevice {
 public:
  WatchedDevice(Result<std::unique_ptr<End>> opened, Findings& findings) : findings_{findings} {
    if (opened) device_ = std::move(*opened);
    if (!opened) failed(opened.error());
    if (!device_) return;
    if (auto started = device_->start(); !started) failed(started.error());
  }

  [[nodiscard]] bool works() const { return device_ != nullptr; }
  [[nodiscard]] bool lacks_role() const { return lacks_role_; }
  [[nodiscard]] End& device() { return *device_; }

  /// Until `done` says so or the time is over; false when the device failed. `each` runs after each wake-up.
  template <class Each>
  bool serve(std::chrono::milliseconds duration, Each each) {
    const auto start = Clock::now();
    while (device_ && since(start) < duration) {
      pollfd wait{.fd = device_->descriptor(), .events = POLLIN, .revents = 0};
      ::poll(&wait, 1, 100);
      if (auto taken = device_->on_readable(); !taken) return failed(taken.error());
      auto more = each(*device_);
      if (!more) return failed(more.error());
      if (!*more) return true;
    }
    return works();
  }

  bool wait_for_light(std::chrono::milliseconds limit) {
    const auto start = Clock::now();
    if (!serve(limit, [](End& end) -> Result<bool> { return !end.telemetry().running; })) return false;
    if (device_->telemetry().running) {
      findings_.push_back({Verdict::ok, std::format("opened, and runs after {} ms", since(start).count())});
      return true;
    }
    findings_.push_back({Verdict::wrong, std::format("does not run within {} s; it says '{}'", limit.count() / 1000,
                                                     device_->telemetry().state)});
    return false;
  }

  void close() {
    if (!device_) return;
    const auto start = Clock::now();
    device_.reset();
    // The service waits 200 ms before it ends a library by force.
    const auto took = since(start).count();
    if (took < 195)
      findings_.push_back({Verdict::ok, std::format("closed within {} ms", took)});
    else
      findings_.push_back({Verdict::wrong, "does not close within 200 ms: 'close' is slow, or a call before it is"});
  }

 private:
  bool failed(const Error& error) {
    device_.reset();
    lacks_role_ = error.message.contains(plugin::lacks_role);
    if (!lacks_role_) findings_.push_back({Verdict::wrong, error.message});
    return false;
  }

  Findings& findings_;
  std::unique_ptr<End> device_;
  bool lacks_role_ = false;
};

/// Whether slots pass as the clock says.
inline Finding pace_of(std::uint64_t slots, std::chrono::milliseconds time, double clock_hz) {
  const double ratio = static_cast<double>(slots) / clock_hz / (static_cast<double>(time.count()) / 1000);
  const auto text = std::format("slots pass at {:.3f} of the clock", ratio);
  return {ratio > 0.9 && ratio < 1.1 ? Verdict::ok : Verdict::wrong, text};
}

}  // namespace cloister::hal::plugin
