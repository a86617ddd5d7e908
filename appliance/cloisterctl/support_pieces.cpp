#include "appliance/cloisterctl/support_pieces.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <format>
#include <fstream>
#include <string_view>

#include "appliance/cloisterctl/program_output.hpp"
#include "appliance/control/audit.hpp"
#include "appliance/control/client.hpp"
#include "config/parse.hpp"
#include "config/show.hpp"

namespace cloister::cloisterctl {
namespace {

constexpr std::size_t lines_max = 2000;
constexpr std::chrono::seconds program_patience{10};

/// What says how the system is. None of them shows key material: `ip xfrm`, which would, is not among them, nor is
/// the environment of a process.
struct Program {
  const char* name;
  const char* what;
  std::vector<std::string> words;
};

std::vector<Program> programs() {
  return {
      {"journal.txt",
       "the newest lines of the journal of the service and its guard",
       {"journalctl", "--unit=cloister", "--unit=cloister-guard", "--no-pager", "--output=short-iso-precise",
        std::format("--lines={}", lines_max)}},
      {"systemd.txt",
       "the state of the units",
       {"systemctl", "status", "cloister", "cloister-guard", "cloister-dashboard", "--no-pager", "--full",
        "--lines=0"}},
      {"kernel.txt", "the kernel", {"uname", "-a"}},
      {"packages.txt",
       "the packages and their versions",
       {"dpkg-query", "--show", "cloister", "cloister-dashboard", "libssl3t64", "libtss2-esys-3.0.2-0t64",
        "libipsec-mb2"}},
      {"addresses.txt", "the interfaces and their addresses", {"ip", "-details", "-statistics", "address", "show"}},
      {"routes.txt", "the routes of all tables", {"ip", "route", "show", "table", "all"}},
      {"routes6.txt", "the same of IPv6", {"ip", "-6", "route", "show", "table", "all"}},
      {"rules.txt", "the rules that choose a table", {"ip", "rule", "show"}},
      {"filter.txt", "the packet filter of the service", {"nft", "list", "table", "inet", "cloister"}},
      {"sockets.txt", "the sockets that listen", {"ss", "-tuln"}},
  };
}

Result<std::string> last_lines(const std::string& path) {
  std::ifstream file{path};
  if (!file) return fail(std::format("'{}': {}", path, std::strerror(errno)));
  std::deque<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(std::move(line));
    if (lines.size() > lines_max) lines.pop_front();
  }
  std::string out;
  for (const auto& line : lines) out += line + "\n";
  return out;
}

Result<std::string> status_of(const std::string& socket) {
  return control::fetch_status(socket)
      .transform([](const auto& status) { return control::pretty_json(status); })
      .transform_error([](const control::Failure& failure) { return Error{failure.message}; });
}

/// A program that fails has its say too.
std::string in_full(const ProgramOutput& output) {
  return output.status == 0 ? output.said : std::format("{}\n(exit status {})\n", output.said, output.status);
}

/// What is wrong in the file is said without its text.
std::string in_words(const config::Diagnostics& diagnostics) {
  std::string out = "the configuration cannot be read:";
  for (const auto& diagnostic : diagnostics)
    out += std::format(" {}:{}: {};", diagnostic.file, diagnostic.line, diagnostic.path);
  return out + " see 'cloisterctl config check'";
}

void add_files_of(const config::Configuration& configuration, std::vector<SupportPiece>& pieces) {
  const auto& directory = configuration.box.state_directory;
  for (const auto* part : {control::audit_file_before, control::audit_file})
    pieces.push_back({part, "the newest lines of the audit log", last_lines(std::format("{}/{}", directory, part))});
  for (const auto& link : configuration.links) {
    const auto name = link.name + ".accounts.jsonl";
    pieces.push_back({name, std::format("the newest accounts of link '{}': counts and bounds, no bit", link.name),
                      last_lines(std::format("{}/{}", directory, name))});
  }
}

}  // namespace

std::vector<SupportPiece> fetch_support_pieces(const std::string& socket, const std::string& configuration) {
  std::vector<SupportPiece> pieces;
  pieces.push_back({"version.txt", "the version of cloisterctl", "cloisterctl " CLOISTER_VERSION "\n"});
  pieces.push_back({"status.json", "links, tunnels, alarms, the newest events", status_of(socket)});
  const auto settings = config::load_settings(configuration);
  const auto loaded = config::load(configuration);
  pieces.push_back({"cloister.yaml", "the settings in force; secrets are paths in it",
                    settings ? Result<std::string>{config::to_yaml(*settings)} : fail(in_words(settings.error()))});
  if (loaded)
    add_files_of(*loaded, pieces);
  else
    pieces.push_back({control::audit_file, "the audit log, and the links' accounts", fail(in_words(loaded.error()))});
  for (const auto& [name, what, words] : programs())
    pieces.push_back({name, what, output_of(words, program_patience).transform(in_full)});
  return pieces;
}

}  // namespace cloister::cloisterctl
