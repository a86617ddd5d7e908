#pragma once
/// Which alarms stand. Made of the events alone, so that the audit log remembers over a restart what must be
/// acknowledged, and who has.
///
///   An alarm of a state (LIGHT_LOST) stands until an event ends it (LIGHT_FOUND), acknowledged or not; a restart of the
///   service ends it too, and raises it anew where its reason is still there.
///   An alarm of something that happened (CHANNEL_TAMPERED) stands until somebody acknowledges it, over restarts too.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/control/audit.hpp"
#include "appliance/control/status.hpp"

namespace cloister::control {

inline constexpr const char* acknowledged_code = "ALARM_ACKNOWLEDGED";

/// The text of that event: the alarm's code and who it was.
[[nodiscard]] std::string acknowledgement(std::string_view code, std::uint64_t user);

/// The codes of the events of the same subject of which each ends an alarm; none: it stands until it is acknowledged.
[[nodiscard]] std::span<const std::string_view> endings_of(std::string_view alarm);
/// The same in words, to follow "until".
[[nodiscard]] std::string end_of(std::string_view alarm);

class StandingAlarms {
 public:
  struct Occurrence {
    std::string code;
    std::string subject;
    std::string text;
    std::string time;
    std::uint64_t times = 1;  // how often, in all
  };

  /// What stands at the start of a service whose earlier lives have written this.
  [[nodiscard]] static StandingAlarms after(std::span<const AuditEntry> history);

  void on_event(const Occurrence& event, bool alarm);
  /// False: none of that code and subject stands.
  [[nodiscard]] bool acknowledge(std::string_view code, std::string_view subject, std::uint64_t user);
  /// The oldest first.
  [[nodiscard]] const std::vector<Alarm>& alarms() const { return alarms_; }

 private:
  [[nodiscard]] std::vector<Alarm>::iterator find(std::string_view code, std::string_view subject);
  std::vector<Alarm> alarms_;  // at most one for each code and subject
};

}  // namespace cloister::control
