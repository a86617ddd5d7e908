#include "appliance/cloisterctl/support_pieces.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <format>
#include <memory>
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
       "the newest lines of the journal of the service, of cloister-netd and of a vendor's library",
       {"journalctl", "--unit=cloister", "--unit=cloister-network", "--unit=cloister-hal@*", "--no-pager",
        "--output=short-iso-precise", std::format("--lines={}", lines_max)}},
      {"systemd.txt",
       "the state of the units",
       {"systemctl", "status", "cloister", "cloister-network", "cloister-hal.socket", "cloister-dashboard",
        "--no-pager", "--full", "--lines=0"}},
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

/// Of a file in the service's directory, which root may read here: what the service could put in its place, a link to
/// another file or a pipe, is not followed.
Result<std::string> last_lines(const std::string& path) {
  constexpr off_t bytes_max = off_t{8} << 20;
  const auto failed = [&path](const char* why) { return fail(std::format("'{}': {}", path, why)); };
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  struct stat facts{};
  if (descriptor < 0 || ::fstat(descriptor, &facts) != 0) return failed(std::strerror(errno));
  const std::unique_ptr<std::FILE, Close> file{::fdopen(descriptor, "r")};
  if (!file || !S_ISREG(facts.st_mode)) return failed("is no file");
  const off_t begin = std::max<off_t>(0, facts.st_size - bytes_max);
  std::string text(static_cast<std::size_t>(facts.st_size - begin), '\0');
  if (::fseeko(file.get(), begin, SEEK_SET) != 0) return failed(std::strerror(errno));
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  std::size_t first = text.size();
  for (std::size_t lines = 0; first > 0 && lines <= lines_max; ++lines) {
    const auto end = text.rfind('\n', first - 1);
    if (end == std::string::npos) {
      if (begin == 0) first = 0;  // else the oldest line is not whole
      break;
    }
    first = end;
  }
  return first < text.size() && text[first] == '\n' ? text.substr(first + 1) : text.substr(first);
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
    // Of the file as a whole the message has nothing of its text.
    out += diagnostic.line == 0 ? std::format(" {}: {};", diagnostic.file, diagnostic.message)
                                : std::format(" {}:{}: {};", diagnostic.file, diagnostic.line, diagnostic.path);
  return out + " see 'cloisterctl config check'";
}

void add_files_of(const config::Configuration& configuration, std::vector<SupportPiece>& pieces) {
  const auto& directory = configuration.box.state_directory;
  for (unsigned age = configuration.logging.audit_files; age-- > 0;)
    pieces.push_back({control::audit_file(age), "the newest lines of the audit log",
                      last_lines(control::audit_path(directory, age))});
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
  const auto loaded = config::load_whole(configuration);
  pieces.push_back({"cloister.yaml", "the settings in force; secrets are paths in it",
                    loaded ? Result<std::string>{config::to_yaml(loaded->settings)} : fail(in_words(loaded.error()))});
  if (loaded)
    add_files_of(loaded->configuration, pieces);
  else
    pieces.push_back(
        {control::audit_file(0), "the audit log, and the links' accounts", fail(in_words(loaded.error()))});
  for (const auto& [name, what, words] : programs())
    pieces.push_back({name, what, output_of(words, program_patience).transform(in_full)});
  return pieces;
}

}  // namespace cloister::cloisterctl
