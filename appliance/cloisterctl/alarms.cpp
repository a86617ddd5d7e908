#include "appliance/cloisterctl/alarms.hpp"

#include <algorithm>
#include <cctype>
#include <expected>
#include <format>
#include <iostream>
#include <vector>

#include "appliance/cloisterctl/failed.hpp"
#include "appliance/cloisterctl/print_json.hpp"
#include "appliance/cloisterctl/table.hpp"
#include "appliance/control/client.hpp"
#include "appliance/control/event_kinds.hpp"
#include "appliance/control/standing_alarms.hpp"
#include "config/nearest.hpp"

namespace cloister::cloisterctl {
namespace {

using Alarms = std::vector<control::Alarm>;

std::string note_of(const control::Alarm& alarm) {
  return (alarm.acknowledged_by ? std::format("user {}", *alarm.acknowledged_by) : std::string{"nobody"}) +
         (alarm.ignored ? " (ignored)" : "");
}

/// Those of the code and the name that stand; an error says that there are none.
std::expected<Alarms, std::string> chosen(const Alarms& standing, const AlarmOptions& options) {
  const auto* kind = control::find_event_kind(options.code);
  if (!options.code.empty() && kind == nullptr) {
    std::vector<std::string> codes;
    for (const auto& known : control::event_kinds()) codes.emplace_back(known.code);
    const auto meant = config::nearest(options.code, codes);
    return std::unexpected{
        std::format("there is no alarm '{}'{}", options.code,
                    meant ? ": did you mean '" + *meant + "'?" : "; 'cloisterctl alarm' lists those that stand")};
  }
  Alarms found;
  for (const auto& alarm : standing) {
    const bool of_it = options.of.empty() || alarm.subject.contains(std::format("'{}'", options.of));
    if (of_it && (kind == nullptr || alarm.code == kind->code)) found.push_back(alarm);
  }
  if (!found.empty() || (options.code.empty() && options.of.empty())) return found;
  return std::unexpected{std::format("no alarm{}{} stands: 'cloisterctl alarm' lists those that do",
                                     kind == nullptr ? "" : std::format(" {}", kind->code),
                                     options.of.empty() ? "" : std::format(" of '{}'", options.of))};
}

}  // namespace

int alarm_list(const std::string& socket, const AlarmOptions& options) {
  const auto status = control::fetch_status(socket);
  if (!status) return failed(status.error());
  const auto& alarms = status->alarms;
  if (options.json) {
    print_json(alarms);
  } else if (alarms.empty()) {
    std::cout << "no alarm stands\n";
  } else {
    std::vector<Row> rows{{"ALARM", "OF", "SINCE", "TIMES", "ACKNOWLEDGED BY", "WHAT"}};
    for (const auto& alarm : alarms)
      rows.push_back({alarm.code, alarm.subject, alarm.since, std::to_string(alarm.times), note_of(alarm), alarm.text});
    std::cout << table(rows);
  }
  return number(std::ranges::all_of(alarms, &control::Alarm::ignored) ? ExitStatus::done : ExitStatus::alarms_stand);
}

int alarm_show(const std::string& socket, const AlarmOptions& options) {
  const auto status = control::fetch_status(socket);
  if (!status) return failed(status.error());
  const auto alarms = chosen(status->alarms, options);
  if (!alarms) return failed(alarms.error());
  if (options.json) {
    print_json(*alarms);
    return number(ExitStatus::done);
  }
  if (alarms->empty()) std::cout << "no alarm stands\n";
  for (const auto& alarm : *alarms) {
    std::cout << std::format("{} of {}\n  since {}, {} times; acknowledged by {}; stands until {}\n  {}\n", alarm.code,
                             alarm.subject, alarm.since, alarm.times, note_of(alarm), control::end_of(alarm.code),
                             alarm.text);
    if (const auto* kind = control::find_event_kind(alarm.code); kind != nullptr)
      std::cout << std::format("\n  {}\n\n  What to do: {}\n", kind->meaning, kind->remedy);
  }
  return number(ExitStatus::done);
}

int alarm_acknowledge(const std::string& socket, const AlarmOptions& options) {
  if (options.code.empty() != options.all) {
    std::cerr << "cloisterctl alarm acknowledge: say which alarm, or --all (see 'cloisterctl alarm')\n";
    return number(ExitStatus::usage);
  }
  const auto status = control::fetch_status(socket);
  if (!status) return failed(status.error());
  const auto alarms = chosen(status->alarms, options);
  if (!alarms) return failed(alarms.error());
  for (const auto& alarm : *alarms) {
    const auto done =
        control::tell(socket, {.request = control::Request::acknowledge, .name = alarm.code, .subject = alarm.subject});
    if (!done) return failed(done.error());
    if (!options.json)
      std::cout << std::format("{} of {}: acknowledged; {}\n", alarm.code, alarm.subject,
                               control::endings_of(alarm.code).empty()
                                   ? "it stands no more"
                                   : "it stands until " + control::end_of(alarm.code));
  }
  if (options.json) print_json(*alarms);
  return number(ExitStatus::done);
}

}  // namespace cloister::cloisterctl
