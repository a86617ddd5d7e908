#include "appliance/cloisterctl/alarms.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <expected>
#include <format>
#include <iostream>
#include <memory>
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

struct AlarmOptions {
  std::string code;  // empty: any
  std::string of;    // name of a link or a tunnel; empty: any
  bool all = false;
  bool json = false;
};

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

}  // namespace

void offer_alarm(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<AlarmOptions>();
  auto* alarm = app.add_subcommand("alarm", "Show the alarms that stand, or take note of them");
  alarm->require_subcommand(0, 1);
  auto* list =
      alarm->add_subcommand("list", "A line for each alarm that stands (as 'alarm' alone); exit status 5 if any does");
  auto* show = alarm->add_subcommand("show", "What an alarm that stands means and what to do");
  auto* acknowledge = alarm->add_subcommand(
      "acknowledge", "Take note of an alarm, in the audit log with your user number; for operators");
  show->add_option("code", options->code, "As QBER_HIGH; none: all that stand");
  acknowledge->add_option("code", options->code, "As QBER_HIGH");
  for (auto* command : {show, acknowledge})
    command->add_option("of", options->of, "Name of the link or tunnel (default: whichever has it)");
  acknowledge->add_flag("--all", options->all, "All alarms that stand");
  for (auto* command : {alarm, list, show, acknowledge}) command->add_flag("--json", options->json, "For programs");
  for (auto* command : {alarm, list})
    invocation.on(command, [&invocation, options] { return alarm_list(invocation.socket, *options); });
  invocation.on(show, [&invocation, options] { return alarm_show(invocation.socket, *options); });
  invocation.on(acknowledge, [&invocation, options] { return alarm_acknowledge(invocation.socket, *options); });
}

}  // namespace cloister::cloisterctl
