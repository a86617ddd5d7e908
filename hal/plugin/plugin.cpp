#include "hal/plugin/plugin.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <format>
#include <system_error>

#include "hal/plugin/host_process.hpp"
#include "hal/plugin/library_file.hpp"

namespace cloister::hal::plugin {

std::string host_beside_this_program() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  return (program.parent_path() / "cloister-hal-host").string();
}

Result<> check(const PluginConfig& config) {
  if (::access(config.host_program.c_str(), X_OK) != 0)
    return fail(std::format("'{}' cannot be run: {}: install it beside cloisterd", config.host_program,
                            simulator::system_message(errno)));
  if (!config.user.empty())
    if (const auto user = user_numbers(config.user); !user) return std::unexpected{user.error()};
  return pinned_library(config.library, config.sha256).transform([](const auto&) {});
}

}  // namespace cloister::hal::plugin
