#include "appliance/cloisterctl/events.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdint>
#include <format>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "appliance/cloisterctl/event_line.hpp"
#include "appliance/cloisterctl/failed.hpp"
#include "appliance/cloisterctl/print_json.hpp"
#include "appliance/control/client.hpp"
#include "appliance/control/event_kinds.hpp"
#include "appliance/control/standing_alarms.hpp"
#include "config/nearest.hpp"

namespace cloister::cloisterctl {
namespace json = boost::json;
namespace {

struct EventOptions {
  bool json = false;    // one object a line
  bool alarms = false;  // only these
  bool follow = false;  // then what comes, until Ctrl-C
};

struct ExplainOptions {
  std::string code;  // empty: all, a line each
  bool json = false;
  bool markdown = false;
};

void print(const control::Event& event, double uptime_seconds, bool as_json) {
  if (as_json) {
    print_json(event);
    return;
  }
  const auto ago = std::chrono::duration<double>{uptime_seconds - event.at_seconds};
  const auto at = std::chrono::floor<std::chrono::seconds>(
      std::chrono::system_clock::now() - std::chrono::duration_cast<std::chrono::system_clock::duration>(ago));
  std::cout << std::format("{:%F %T}  ", at) << coloured(event.code, event.severity == "alarm") << ' ' << event.subject
            << ": " << with_times(event.text, event.times) << '\n';
}

/// What of the list may be meant by a code that is not in it: what differs by a slip, or has it as a part.
std::string instead_of(const std::string& code) {
  std::vector<std::string> codes;
  for (const auto& known : control::event_kinds()) codes.emplace_back(known.code);
  if (const auto meant = config::nearest(code, codes)) return std::format(": did you mean '{}'?", *meant);
  std::string upper = code;
  std::ranges::transform(upper, upper.begin(),
                         [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
  std::string holding;
  for (const auto& known : codes)
    if (known.contains(upper)) holding += (holding.empty() ? "" : ", ") + known;
  return holding.empty() ? "; 'cloisterctl events explain' lists all" : "; there are: " + holding;
}

int events_list(const std::string& socket, const EventOptions& options) {
  std::uint64_t shown = 0;
  double uptime_seconds = 0;
  do {
    const auto status = control::fetch_status(socket);
    // One that follows waits for a service that restarts; at its first look there must be one.
    const bool restarts = !status && uptime_seconds > 0 && status.error().kind != control::Failure::Kind::right_lacking;
    if (!status && !restarts) return failed(status.error());
    if (status) {
      if (status->uptime_seconds < uptime_seconds) shown = 0;  // another life of the service counts from 1 again
      uptime_seconds = status->uptime_seconds;
      // The service keeps the newest ones only.
      if (shown > 0 && !status->events.empty() && status->events.front().number > shown + 1)
        std::cerr << std::format(
            "{} events came faster than they could be followed: 'cloisterctl audit show' has them\n",
            status->events.front().number - shown - 1);
      for (const auto& event : status->events) {
        // An event that repeats itself keeps its number: it is shown once.
        if (event.number <= shown || (options.alarms && event.severity != "alarm")) continue;
        print(event, status->uptime_seconds, options.json);
      }
      if (!status->events.empty()) shown = status->events.back().number;
      std::cout << std::flush;
    }
    if (options.follow) std::this_thread::sleep_for(std::chrono::milliseconds{500});
  } while (options.follow && std::cout);
  return 0;
}

int events_explain(const ExplainOptions& options) {
  if (options.markdown) {
    std::cout << control::event_reference();
    return 0;
  }
  const auto object = [](const control::EventKind& kind) {
    return json::object{{"code", kind.code}, {"alarm", kind.alarm}, {"meaning", kind.meaning}, {"remedy", kind.remedy}};
  };
  if (options.code.empty()) {
    for (const auto& kind : control::event_kinds()) {
      if (options.json)
        std::cout << json::serialize(object(kind)) << '\n';
      else
        std::cout << coloured(kind.code, kind.alarm) << ' ' << kind.meaning.substr(0, kind.meaning.find_first_of(".:"))
                  << '\n';
    }
    return 0;
  }
  const auto* kind = control::find_event_kind(options.code);
  if (kind == nullptr) {
    return failed(std::format("there is no event '{}'{}", options.code, instead_of(options.code)));
  }
  if (options.json) {
    std::cout << json::serialize(object(*kind)) << '\n';
    return 0;
  }
  std::cout << kind->code << (kind->alarm ? " (alarm)" : "") << "\n\n" << kind->meaning << '\n';
  if (kind->alarm) std::cout << "\nStands until " << control::end_of(kind->code) << ".\n";
  if (!kind->remedy.empty()) std::cout << "\nWhat to do: " << kind->remedy << '\n';
  return 0;
}

}  // namespace

void offer_events(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<EventOptions>();
  auto* events = app.add_subcommand("events", "Show what happened, and what it means");
  events->require_subcommand(0, 1);
  events->add_flag("--alarms", options->alarms, "Only what calls for a person");
  events->add_flag("--follow,-f", options->follow, "Then show what comes, until Ctrl-C");
  events->add_flag("--json", options->json, "One JSON object a line");
  invocation.on(events, [&invocation, options] { return events_list(invocation.socket, *options); });

  const auto asked = std::make_shared<ExplainOptions>();
  auto* explain =
      events->add_subcommand("explain", "Say what an event means and what to do; works without the service");
  explain->add_option("code", asked->code, "As QBER_HIGH; none: list all");
  explain->add_flag("--json", asked->json, "For programs");
  explain->add_flag("--markdown", asked->markdown, "All events as a page");
  invocation.on(explain, [asked] { return events_explain(*asked); });
}

}  // namespace cloister::cloisterctl
