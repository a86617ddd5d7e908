#pragma once
/// Where the dashboard listens: on sockets that systemd passes, or on an address of the command line.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <expected>
#include <string>
#include <vector>

namespace cloister::dashboard {

using Listeners = std::expected<std::vector<boost::asio::ip::tcp::acceptor>, std::string>;

/// Who reads the status learns when keys run out: what is reached from anywhere needs TLS and a token (elsewhere.hpp).
enum class Reach { loopback, anywhere };

/// Sockets of cloister-dashboard.socket; empty where systemd passed none. The process then needs no network of its own.
[[nodiscard]] Listeners listeners_of_systemd(const boost::asio::any_io_executor& executor, Reach reach);
/// "127.0.0.1:9748", "[::1]:9748"; with Reach::anywhere any address of the machine.
[[nodiscard]] Listeners listen_on(const boost::asio::any_io_executor& executor, const std::string& address,
                                  Reach reach);

}  // namespace cloister::dashboard
