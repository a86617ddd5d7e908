#include "config/neighbours.hpp"

#include <algorithm>
#include <filesystem>

namespace cloister::config {
namespace {

namespace fs = std::filesystem;

/// Why an entry is not read, or nothing. A link that leads nowhere is read, so that its error is seen.
std::string reason_to_ignore(const fs::directory_entry& entry) {
  std::error_code error;
  if (entry.path().extension() != ".yaml") return "its name does not end in '.yaml'";
  if (entry.path().filename().string().starts_with('.')) return "its name begins with '.'";
  if (entry.exists(error) && !entry.is_regular_file(error)) return "it is not a file";
  return {};
}

}  // namespace

std::expected<Neighbours, Diagnostics> neighbours_of(const std::string& path) {
  const auto directory = fs::path{path}.parent_path() / "conf.d";
  Neighbours found;
  std::error_code error;
  fs::directory_iterator entries{directory, error};
  if (error == std::errc::no_such_file_or_directory) return found;
  for (const fs::directory_iterator end; !error && entries != end; entries.increment(error)) {
    const auto name = entries->path().filename().string();
    const auto reason = reason_to_ignore(*entries);
    if (reason.empty())
      found.taken.push_back(entries->path().string());
    else if (!name.starts_with('.') || name.ends_with(".yaml"))
      found.ignored.push_back({entries->path().string(), reason});
  }
  if (error) {
    const auto why = error == std::errc::permission_denied ? "this user may not: run it as root" : error.message();
    return std::unexpected{Diagnostics{{directory.string(), 0, 0, "", "cannot be looked into: " + why, ""}}};
  }
  std::ranges::sort(found.taken);
  std::ranges::sort(found.ignored, {}, &Ignored::file);
  return found;
}

}  // namespace cloister::config
