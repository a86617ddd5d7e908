#include "appliance/box/event_log.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <format>
#include <iostream>
#include <utility>

#include "appliance/drivers/journal.hpp"

namespace cloister::box {

EventLog::EventLog() : started_{std::chrono::steady_clock::now()}, under_journal_{drivers::under_journal()} {}

void EventLog::follow(const config::Alarms& alarms, const config::Logging& logging) {
  alarms_only_ = logging.alarms_only;
  ignored_ = alarms.ignore;
  if (audit_) audit_->follow(logging);
}

bool EventLog::is_ignored(const std::string& code) const { return std::ranges::contains(ignored_, code); }

std::vector<control::Alarm> EventLog::standing() const {
  auto alarms = standing_.alarms();
  for (auto& alarm : alarms) alarm.ignored = is_ignored(alarm.code);
  return alarms;
}

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
  standing_.on_event({.code = code,
                      .subject = subject,
                      .text = text,
                      .time = control::audit_time(std::chrono::system_clock::now()),
                      .times = 1},
                     std::string_view{severity} == "alarm");
  const auto last = std::ranges::find(events_.rbegin(), events_.rend(), subject, &control::Event::subject);
  if (last != events_.rend() && last->code == code && last->text == text) {
    last->at_seconds = now;
    if (!std::has_single_bit(++last->times)) return;
    return write(control::Event{*last});
  }
  events_.push_back({++count_, now, severity, code, subject, text});
  if (events_.size() > kept_max) events_.pop_front();
  write(control::Event{events_.back()});
}

void EventLog::write(const control::Event& event) {
  audit(event);
  const bool alarm = event.severity == "alarm" && !is_ignored(event.code);
  if (alarms_only_ && !alarm) return;
  const std::string line = std::format("{}: {} ({}{})", event.subject, event.text, event.code,
                                       event.times > 1 ? std::format(", {} times", event.times) : "");
  // syslog(3): 4 is a warning, 6 information.
  if (under_journal_ &&
      drivers::send_to_journal(std::array{
          "MESSAGE=" + line, std::format("PRIORITY={}", alarm ? 4 : 6), std::string{"SYSLOG_IDENTIFIER=cloisterd"},
          "CLOISTER_EVENT=" + event.code, "CLOISTER_SUBJECT=" + event.subject,
          std::format("CLOISTER_TIMES={}", event.times), "CLOISTER_AUDIT_HEAD=" + (audit_ ? audit_->head() : "")}))
    return;
  std::cerr << std::format("[{:9.3f}] {}{}\n", event.at_seconds, alarm ? "ALARM " : "", line) << std::flush;
}

void EventLog::audit(const control::Event& event) {
  if (!audit_) return;
  if (auto done = audit_->append(event, std::chrono::system_clock::now()); !done) {
    audit_.reset();
    alarm("AUDIT_LOST", "audit log", done.error().message);
  }
}

Result<> EventLog::acknowledge(const std::string& code, const std::string& subject, unsigned user) {
  if (!standing_.acknowledge(code, subject, user))
    return fail(std::format("no alarm {} of {} stands: 'cloisterctl alarm' lists those that do", code, subject));
  info("ALARM_ACKNOWLEDGED", subject, control::acknowledgement(code, user));
  return {};
}

Result<> EventLog::images_retired(const std::string& box, const std::string& generation, unsigned user) {
  std::uint64_t number = 0;
  const char* const end = generation.data() + generation.size();
  if (const auto [read, error] = std::from_chars(generation.data(), end, number); error != std::errc{} || read != end)
    return fail("a generation is a whole number");
  info("IMAGES_RETIRED", std::format("box '{}'", box), images_retired_text(number, user));
  return {};
}

void EventLog::audit_to(AuditLog audit) {
  standing_ = control::StandingAlarms::after(audit.take_history());
  audit_.emplace(std::move(audit));
  if (audit_->found_broken()) alarm("AUDIT_BROKEN", "audit log", *audit_->found_broken());
}

}  // namespace cloister::box
