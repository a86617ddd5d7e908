#include "appliance/cloisterctl/audit.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <format>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "appliance/cloisterctl/event_line.hpp"
#include "appliance/cloisterctl/failed.hpp"
#include "appliance/control/audit.hpp"

namespace cloister::cloisterctl {
namespace json = boost::json;
namespace {

struct AuditOptions {
  std::vector<std::string> files;  // the parts in order; empty: those of the state directory
  std::string directory = "/var/lib/cloister";
  std::string head;  // a head that the journal has, and the log must lead through
  bool json = false;
};

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

}  // namespace

void offer_audit(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<AuditOptions>();
  auto* audit = app.add_subcommand("audit", "Look at the record of all events; works without the service");
  audit->require_subcommand(1);
  auto* show = audit->add_subcommand("show", "Print the audit log");
  auto* verify = audit->add_subcommand(
      "verify", "Check that no line was changed, put in or taken out of the middle; with --head, nor the newest ones");
  for (auto* command : {show, verify}) {
    command->add_option("files", options->files, "Parts of a log, the oldest first (default: the directory's)");
    command->add_option("--directory", options->directory, "The service's 'box.state_directory'")
        ->capture_default_str();
    command->add_flag("--json", options->json, "For programs");
  }
  verify->add_option("--head", options->head,
                     "A head from the journal (field CLOISTER_AUDIT_HEAD) that the log must lead through");
  invocation.on(show, [options] { return audit_show(*options); });
  invocation.on(verify, [options] { return audit_verify(*options); });
}

}  // namespace cloister::cloisterctl
