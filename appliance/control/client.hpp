#pragma once
/// One request to the service over its control socket.

#include <boost/asio/awaitable.hpp>
#include <expected>
#include <string>

#include "appliance/control/status.hpp"

namespace cloister::control {

using StatusOrError = std::expected<BoxStatus, std::string>;

/// Takes at most 5 seconds. The error names the socket and the remedy.
[[nodiscard]] boost::asio::awaitable<StatusOrError> status_of(std::string socket_path);

/// The same for a program that has nothing else to do: blocks.
[[nodiscard]] StatusOrError fetch_status(const std::string& socket_path);

}  // namespace cloister::control
