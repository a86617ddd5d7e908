#include "appliance/box/event_log.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <format>
#include <iostream>
#include <string_view>

namespace cloister::box {

EventLog::EventLog()
    : started_{std::chrono::steady_clock::now()}, under_systemd_{std::getenv("JOURNAL_STREAM") != nullptr} {}

double EventLog::uptime_seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
}

void EventLog::info(const std::string& code, const std::string& subject, const std::string& text) {
  add("info", code, subject, text);
}
void EventLog::alarm(const std::string& code, const std::string& subject, const std::string& text) {
  add("alarm", code, subject, text);
}

void EventLog::add(const char* severity, const std::string& code, const std::string& subject, const std::string& text) {
  const double now = uptime_seconds();
  const auto last = std::ranges::find(events_.rbegin(), events_.rend(), subject, &control::Event::subject);
  std::uint64_t times = 1;
  if (last != events_.rend() && last->code == code && last->text == text) {
    times = ++last->times;
    last->at_seconds = now;
    if (!std::has_single_bit(times)) return;
  } else {
    events_.push_back({++count_, now, severity, code, subject, text});
    if (events_.size() > kept_max) events_.pop_front();
  }
  const bool alarm = std::string_view{severity} == "alarm";
  // sd-daemon(3): "<4>" is a warning, "<6>" information. On a terminal the time since the start serves better.
  const std::string prefix =
      under_systemd_ ? (alarm ? "<4>" : "<6>") : std::format("[{:9.3f}] {}", now, alarm ? "ALARM " : "");
  std::cerr << prefix + std::format("{}: {} ({}{})\n", subject, text, code,
                                    times > 1 ? std::format(", {} times", times) : "")
            << std::flush;
}

}  // namespace cloister::box
