#pragma once
/// One request to the service over its control socket.

#include <boost/asio/awaitable.hpp>
#include <expected>
#include <string>
#include <vector>

#include "appliance/control/protocol.hpp"

namespace cloister::control {

using StatusOrError = std::expected<BoxStatus, Failure>;

/// Takes at most 5 seconds. The error names the socket and the remedy.
[[nodiscard]] boost::asio::awaitable<StatusOrError> status_of(std::string socket_path);

/// The same for a program that has nothing else to do: blocks.
[[nodiscard]] StatusOrError fetch_status(const std::string& socket_path);

/// Tells the service to do something and waits until it is done, 5 seconds at most; to destroy all its secrets, a
/// minute.
[[nodiscard]] std::expected<void, Failure> tell(const std::string& socket_path, const Question& order);

/// Has the service test itself; a minute at most.
[[nodiscard]] std::expected<std::vector<TestResult>, Failure> test(const std::string& socket_path);

/// Has the service take up its changed configuration, two minutes at most; what has changed.
[[nodiscard]] std::expected<std::vector<ConfigurationChange>, Failure> reload(const std::string& socket_path);

/// No service is behind the socket: there is none of that name, or nobody listens.
[[nodiscard]] bool service_absent(const std::string& socket_path);

}  // namespace cloister::control
