#include "appliance/cloisterctl/events.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <format>
#include <fstream>
#include <functional>
#include <iostream>
#include <optional>
#include <thread>

#include "appliance/cloisterctl/colours.hpp"
#include "appliance/cloisterctl/failed.hpp"
#include "appliance/cloisterctl/print_json.hpp"
#include "appliance/control/audit.hpp"
#include "appliance/control/client.hpp"
#include "appliance/control/event_kinds.hpp"
#include "appliance/control/standing_alarms.hpp"
#include "config/nearest.hpp"

namespace cloister::cloisterctl {
namespace json = boost::json;
namespace {

std::string with_times(const std::string& text, std::uint64_t times) {
  return times > 1 ? std::format("{} ({} times)", text, times) : text;
}

std::string coloured(std::string_view code, bool alarm) {
  const bool paint = alarm && colours_wanted();
  const std::string padded = std::format("{:<24}", code);
  return paint ? "\x1b[31m" + padded + "\x1b[0m" : padded;
}

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

/// The parts of a log that are there, oldest first.
std::vector<std::string> parts_of(const AuditOptions& options) {
  if (!options.files.empty()) return options.files;
  std::vector<std::string> files;
  for (unsigned age = control::audit_files_max; age-- > 1;) {
    const auto older = control::audit_path(options.directory, age);
    std::error_code error;
    if (std::filesystem::exists(older, error)) files.push_back(older);
  }
  files.push_back(control::audit_path(options.directory, 0));
  return files;
}

/// A file that can be read, line by line: what else there may be under its name ends at once, as if it were empty.
std::optional<std::string> unreadable(const std::string& path, const std::ifstream& file) {
  const auto because = [&](const char* reason) {
    return std::format("audit log '{}': {}: name another --directory, or run as root", path, reason);
  };
  if (!file) return because(std::strerror(errno));
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return because("it is a directory");
  return std::nullopt;
}

/// Whoever may not read a log learns that, and not that something is wrong in it.
std::optional<int> right_lacking(const std::vector<std::string>& files) {
  for (const auto& path : files) {
    if (::access(path.c_str(), R_OK) == 0 || errno != EACCES) continue;
    return failed(control::Failure{
        control::Failure::Kind::right_lacking,
        std::format("this user may not read the audit log '{}': as root say 'runuser -u cloister -- cloisterctl audit'",
                    path)});
  }
  return std::nullopt;
}

/// Hands each line over; an error is a file that cannot be read, or what the reader found.
std::optional<std::string> for_each_line(const std::vector<std::string>& files,
                                         const std::function<std::optional<std::string>(const std::string&)>& reader) {
  for (const auto& path : files) {
    std::ifstream file{path};
    if (auto problem = unreadable(path, file)) return problem;
    std::uint64_t number = 0;
    for (std::string line; std::getline(file, line);) {
      ++number;
      if (auto problem = reader(line)) return std::format("audit log '{}', line {}: {}", path, number, *problem);
    }
    if (file.bad()) return std::format("audit log '{}', behind line {}: {}", path, number, std::strerror(errno));
  }
  return std::nullopt;
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

}  // namespace

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

int audit_show(const AuditOptions& options) {
  const auto parts = parts_of(options);
  if (const auto refused = right_lacking(parts)) return *refused;
  const auto problem = for_each_line(parts, [&](const std::string& line) -> std::optional<std::string> {
    const auto entry = control::decode_audit_entry(line);
    if (!entry) return entry.error();
    if (options.json)
      std::cout << line << '\n';
    else
      std::cout << std::format("{}  ", entry->time) << coloured(entry->code, entry->severity == "alarm") << ' '
                << entry->subject << ": " << with_times(entry->text, entry->times) << '\n';
    return std::nullopt;
  });
  return problem ? failed(*problem) : 0;
}

int audit_verify(const AuditOptions& options) {
  const auto parts = parts_of(options);
  if (const auto refused = right_lacking(parts)) return *refused;
  control::AuditChain chain;
  bool passes_head = false;
  auto problem = for_each_line(parts, [&](const std::string& line) -> std::optional<std::string> {
    const auto entry = chain.add(line);
    passes_head = passes_head || chain.head() == options.head;
    return entry ? std::nullopt : std::optional{entry.error()};
  });
  if (!problem && chain.lines() == 0)
    problem = "the audit log has no entry, and the service makes one whenever it starts: its lines were taken away";
  if (!problem && !options.head.empty() && !passes_head)
    problem = std::format(
        "no line of the audit log has the hash {}: lines were taken away since, or the log was written anew",
        options.head);
  const bool beginning_is_here = chain.begins_after() == control::audit_beginning;
  if (options.json) {
    std::cout << json::serialize(json::object{{"whole", !problem},
                                              {"entries", chain.lines()},
                                              {"head", chain.head()},
                                              {"begins_after", chain.begins_after()},
                                              {"problem", problem.value_or("")}})
              << '\n';
    return problem ? 1 : 0;
  }
  if (problem) return failed(*problem);
  std::cout << std::format("{} entries, each bound to the one before; head {}\n", chain.lines(), chain.head());
  if (!beginning_is_here)
    std::cout << std::format("the first is entry {}: it follows an earlier part with head {}\n",
                             chain.newest() - chain.lines() + 1, chain.begins_after());
  if (options.head.empty())
    std::cout << "whether the newest lines are all there shows a head kept elsewhere: --head, as the journal has it "
                 "(CLOISTER_AUDIT_HEAD)\n";
  return 0;
}

}  // namespace cloister::cloisterctl
