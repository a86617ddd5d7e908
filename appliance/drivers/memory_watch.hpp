#pragma once
/// What the kernel tells any process of the machine's memory and sleep: its events (uevents), among them that of a
/// virtual machine's generation (vmgenid, Linux 6.8), and that the clock on the wall was set, which a resume does too.
/// Decides nothing, and needs no right.

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string_view>

#include "crypto/error.hpp"

namespace cloister::drivers {

/// The clock that goes on while the machine sleeps, and the one that stands then, read before and after it.
struct MachineClocks {
  std::chrono::nanoseconds running_before{};
  std::chrono::nanoseconds since_boot{};
  std::chrono::nanoseconds running_after{};
};
[[nodiscard]] MachineClocks machine_clocks();

class MemoryWatch {
 public:
  struct Handlers {
    /// The kernel's text: `change@/devices/…`, then `KEY=value` each, with a zero byte between.
    std::function<void(std::string_view)> kernel_event;
    /// There were more than could be kept for this process.
    std::function<void()> kernel_events_lost;
    std::function<void(MachineClocks)> clock_set;
  };

  [[nodiscard]] static Result<std::unique_ptr<MemoryWatch>> open(boost::asio::io_context& io, Handlers handlers);
  MemoryWatch(const MemoryWatch&) = delete;
  MemoryWatch& operator=(const MemoryWatch&) = delete;

 private:
  MemoryWatch(boost::asio::io_context& io, Handlers handlers)
      : handlers_{std::move(handlers)}, events_{io}, clock_{io} {}
  void await_event();
  void take_events();
  void await_clock();

  Handlers handlers_;
  boost::asio::posix::stream_descriptor events_;
  boost::asio::posix::stream_descriptor clock_;
  std::array<char, 8192> event_{};  // the kernel's are smaller
};

}  // namespace cloister::drivers
