#include "hal/plugin/plugin.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <format>
#include <system_error>

#include "hal/plugin/library_file.hpp"

namespace cloister::hal::plugin {

std::string host_beside_this_program() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  return (program.parent_path() / "cloister-hal-host").string();
}

Result<> check(const PluginConfig& config) {
  if (config.host_socket.empty() && ::access(config.host_program.c_str(), X_OK) != 0)
    return fail(std::format("'{}' cannot be run: {}: install it beside this program", config.host_program,
                            simulator::system_message(errno)));
  if (!config.host_socket.empty() && ::access(config.host_socket.c_str(), W_OK) != 0)
    return fail(
        std::format("the device's library cannot be started at '{}': {}: is cloister-hal.socket active "
                    "(systemctl start cloister-hal.socket)",
                    config.host_socket, simulator::system_message(errno)));
  return pinned_library(config.library, config.sha256).transform([](const auto&) {});
}

}  // namespace cloister::hal::plugin
