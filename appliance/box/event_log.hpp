#pragma once
/// What happened, for people: in the journal under systemd, else on standard error; in the audit log; and the newest
/// kept for `status`. What repeats itself, as a refusal at each try, is one event that counts; the logs have its 1st,
/// 2nd, 4th, 8th … time. Used on the I/O thread only.

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "appliance/box/audit_log.hpp"
#include "appliance/control/standing_alarms.hpp"
#include "appliance/control/status.hpp"
#include "config/model.hpp"

namespace cloister::box {

class EventLog {
 public:
  static constexpr std::size_t kept_max = 64;

  EventLog();
  void info(const std::string& code, const std::string& subject, const std::string& text);
  void alarm(const std::string& code, const std::string& subject, const std::string& text);
  /// What of it goes to the journal, and as what. Alarms to ignore are information there, and stand as ignored.
  void follow(const config::Alarms& alarms, const config::Logging& logging);
  /// From now on each event stands in the audit log too. What is wrong in it is the first. Alarms of the service's
  /// earlier lives that somebody must acknowledge stand again.
  void audit_to(AuditLog audit);
  /// By a user of that number. An error says that no such alarm stands.
  /// Somebody has moved the TPM's counter of generations, which the service itself does not see.
  [[nodiscard]] Result<> images_retired(const std::string& box, const std::string& generation, unsigned user);
  [[nodiscard]] Result<> acknowledge(const std::string& code, const std::string& subject, unsigned user);
  [[nodiscard]] std::vector<control::Alarm> standing() const;
  [[nodiscard]] std::vector<control::Event> newest() const { return {events_.begin(), events_.end()}; }
  [[nodiscard]] double uptime_seconds() const;

 private:
  void add(const char* severity, const std::string& code, const std::string& subject, const std::string& text);
  void write(const control::Event& event);
  [[nodiscard]] bool is_ignored(const std::string& code) const;
  void audit(const control::Event& event);

  std::chrono::steady_clock::time_point started_;
  bool under_journal_;
  bool alarms_only_ = false;
  std::vector<std::string> ignored_;
  std::optional<AuditLog> audit_;
  std::uint64_t count_ = 0;
  std::deque<control::Event> events_;
  control::StandingAlarms standing_;
};

}  // namespace cloister::box
