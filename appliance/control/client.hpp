#pragma once
/// One request to the service over its control socket.

#include <expected>
#include <string>

#include "appliance/control/status.hpp"

namespace cloister::control {

/// Blocks, at most 5 seconds. The error names the socket and the remedy.
[[nodiscard]] std::expected<BoxStatus, std::string> fetch_status(const std::string& socket_path);

}  // namespace cloister::control
