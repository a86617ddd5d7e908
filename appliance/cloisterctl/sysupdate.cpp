#include "appliance/cloisterctl/sysupdate.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <format>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include "appliance/cloisterctl/program_output.hpp"

namespace cloister::cloisterctl {
namespace {
namespace fs = std::filesystem;

constexpr const char* program = "/usr/lib/systemd/systemd-sysupdate";
constexpr std::chrono::minutes manifest_patience{5};
constexpr std::chrono::hours patience{6};  // some hundred megabytes, over whatever line there is
constexpr std::string_view open_source = "@SOURCE@";

struct Reason {
  std::string_view said;
  std::string_view means;
};
/// In what systemd-sysupdate and systemd-pull say (257); the first that is found counts.
constexpr auto reasons = std::to_array<Reason>({
    {"Signature verification failed", "its manifest SHA256SUMS is not signed with a key that this image trusts"},
    {"Failed to retrieve signature file", "its manifest has no signature (SHA256SUMS.gpg)"},
    {"Signature is empty", "its manifest has an empty signature (SHA256SUMS.gpg)"},
    {"Checksum of", "a file is cut or changed: it is not what the signed manifest says"},
    {"Premature connection termination", "a file is cut: fetch it again"},
    {"No space left on device", "the disk is full: of the boot partition, 512 MB, two kernel images take a third"},
    {"No available partition of a suitable size", "the image is larger than the slot on this disk"},
    {"Could not read a file:// file", "it has no manifest SHA256SUMS, or a file of the manifest is missing"},
});

std::string last_line(std::string_view said) {
  while (said.ends_with('\n')) said.remove_suffix(1);
  return std::string{said.substr(said.rfind('\n') + 1)};
}

/// What was said last of what is wrong: not of a child that ended, nor that one does.
std::string last_complaint(std::string_view said) {
  std::string complaint;
  while (!said.empty()) {
    const auto line = said.substr(0, said.find('\n'));
    said.remove_prefix(std::min(line.size() + 1, said.size()));
    if (!line.empty() && line != "Exiting." && !line.starts_with("(sd-")) complaint = line;
  }
  return complaint;
}

/// Where systemd-sysupdate says how far it is (sd_notify(3)).
class Notices {
 public:
  explicit Notices(const std::string& path) : file_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)} {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
    if (::bind(file_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
      ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  Notices(const Notices&) = delete;
  Notices& operator=(const Notices&) = delete;
  ~Notices() {
    ::unsetenv("NOTIFY_SOCKET");
    if (file_ >= 0) ::close(file_);
  }
  [[nodiscard]] int file() const { return file_; }
  [[nodiscard]] std::string next() const {
    std::array<char, 4096> text{};
    const auto bytes = ::recv(file_, text.data(), text.size(), 0);
    return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(bytes, 0))};
  }

 private:
  int file_;
};

Result<> fill_in(const fs::path& definition, const fs::path& filled, const std::string& source) {
  std::ifstream in{definition};
  std::ostringstream read;
  read << in.rdbuf();
  auto text = std::move(read).str();
  const auto at = text.find(open_source);
  if (!in || at == std::string::npos)
    return fail(std::format("'{}' is no definition of an update", definition.string()));
  text.replace(at, open_source.size(), source);
  std::ofstream out{filled};
  out << text << std::flush;
  if (!out) return fail(std::format("'{}' cannot be written", filled.string()));
  return {};
}

}  // namespace

Result<std::string> update_source(const std::string& given) {
  // A definition expands '%', and ends with the line.
  const bool plain = std::ranges::all_of(given, [](char c) { return c > ' ' && c < 0x7f && c != '%' && c != '"'; });
  if (plain && given.starts_with("https://") && given.size() > std::string_view{"https://"}.size()) return given;
  std::error_code error;
  if (plain && fs::path{given}.is_absolute() && fs::is_directory(given, error)) return "file://" + given;
  return fail(std::format(
      "'{}' is no source of updates: expected an absolute directory or an https URL, without blanks and '%'", given));
}

Result<std::optional<std::string>> version_available(std::string_view said) {
  boost::system::error_code wrong;
  const auto line = last_line(said);
  const auto found = boost::json::parse(line, wrong);
  const auto* version = !wrong && found.is_object() ? found.as_object().if_contains("available") : nullptr;
  if (version != nullptr && version->is_null()) return std::optional<std::string>{};
  if (version != nullptr && version->is_string()) return std::optional{std::string{version->as_string()}};
  return fail(std::format("systemd-sysupdate says neither a version nor that there is none: '{}'", line));
}

std::string why_no_update(std::string_view said, const std::string& source) {
  const auto* const reason = std::ranges::find_if(reasons, [&](const Reason& one) { return said.contains(one.said); });
  if (reason != reasons.end()) return std::format("'{}': {}; what runs is untouched", source, reason->means);
  return std::format("'{}' gives no update; what runs is untouched: {}", source, last_complaint(said));
}

std::optional<unsigned> update_progress(std::string_view notification) {
  constexpr std::string_view key = "X_SYSUPDATE_PROGRESS=";
  const auto at = notification.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  const auto text = notification.substr(at + key.size());
  unsigned percent = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
  return error == std::errc{} && percent <= 100 ? std::optional{percent} : std::nullopt;
}

Result<ImageUpdate> ImageUpdate::from(const std::string& source, const std::string& definitions) {
  std::error_code error;
  if (!fs::is_directory(definitions, error))
    return fail("this machine is no appliance: packages update it (docs/how-to/update.md)");
  auto url = update_source(source);
  if (!url) return std::unexpected{url.error()};
  std::string directory = "/run/cloister-update-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr)
    return fail(std::format("'/run' cannot be written ({}): only root may update the image", std::strerror(errno)));
  ImageUpdate update{source, directory};
  for (const auto& entry : fs::directory_iterator{definitions, error}) {
    const auto filled = fs::path{directory} / entry.path().filename();
    if (auto written = fill_in(entry.path(), filled, *url); !written) return std::unexpected{written.error()};
  }
  return update;
}

ImageUpdate::ImageUpdate(ImageUpdate&& other) noexcept
    : source_{std::move(other.source_)}, directory_{std::exchange(other.directory_, {})} {}

ImageUpdate::~ImageUpdate() {
  std::error_code error;
  if (!directory_.empty()) fs::remove_all(directory_, error);
}

Result<std::optional<std::string>> ImageUpdate::newer() const {
  const auto output =
      output_of({program, "--definitions=" + directory_, "--json=short", "check-new"}, manifest_patience);
  if (!output) return std::unexpected{output.error()};
  if (output->status != 0) return fail(why_no_update(output->said, source_));
  return version_available(output->said);
}

Result<> ImageUpdate::install(const std::string& version, const std::function<void(unsigned)>& progress) const {
  const Notices notices{directory_ + "/notices"};
  const Beside beside{.file = notices.file(), .ready = [&] {
                        if (const auto percent = update_progress(notices.next())) progress(*percent);
                      }};
  const auto output = output_of({program, "--definitions=" + directory_, "update", version}, patience, &beside);
  if (!output) return std::unexpected{output.error()};
  // It also ends well where it finds nothing to do.
  if (output->status != 0 || !output->said.contains(std::format("Successfully installed update '{}'", version)))
    return fail(why_no_update(output->said, source_));
  return {};
}

bool is_later(const std::string& version, const std::string& than) {
  return ::strverscmp(version.c_str(), than.c_str()) > 0;
}

Result<> may_replace_other(const Verdict& verdict) {
  std::error_code error;
  if (!fs::exists(verdict.counted, error) || fs::exists(verdict.found_good, error)) return {};
  return fail(
      "the image that runs was not found good yet, and what would be fallen back to is not replaced before: wait until "
      "its self-test has passed, or restart");
}

Result<std::string> running_version(const std::string& os_release) {
  constexpr std::string_view key = "IMAGE_VERSION=";
  std::ifstream file{os_release};
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    auto version = line.substr(key.size());
    std::erase_if(version, [](char c) { return c == '"' || c == '\''; });
    return version;
  }
  return fail(std::format("'{}' names no IMAGE_VERSION: this machine is no appliance", os_release));
}

}  // namespace cloister::cloisterctl
