#pragma once
/// Tells systemd that the I/O thread is alive, twice in each period of the unit's WatchdogSec; without one, nothing.

#include <systemd/sd-daemon.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>

namespace cloister::box {

class Watchdog {
 public:
  explicit Watchdog(boost::asio::io_context& io) : timer_{io} {
    std::uint64_t period_us = 0;
    if (::sd_watchdog_enabled(0, &period_us) <= 0) return;
    interval_ = std::chrono::microseconds{period_us / 2};
    wake();
  }

 private:
  void wake() {
    ::sd_notify(0, "WATCHDOG=1");
    timer_.expires_after(interval_);
    timer_.async_wait([this](boost::system::error_code stopped) {
      if (!stopped) wake();
    });
  }

  boost::asio::steady_timer timer_;
  std::chrono::microseconds interval_{};
};

}  // namespace cloister::box
