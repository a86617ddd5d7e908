#include "appliance/dashboard/listening.hpp"

#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <charconv>
#include <format>
#include <optional>
#include <string_view>

namespace cloister::dashboard {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
namespace {

std::optional<tcp::endpoint> endpoint_of(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  auto host = text.substr(0, colon);
  const auto digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (failed != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (error || address.is_v6() != bracketed) return std::nullopt;
  return tcp::endpoint{address, port};
}

std::expected<tcp::acceptor, std::string> within(Reach reach, tcp::acceptor acceptor) {
  error_code error;
  const auto endpoint = acceptor.local_endpoint(error);
  if (error) return std::unexpected{std::format("a socket that systemd passed is no TCP socket: {}", error.message())};
  if (reach == Reach::loopback && !endpoint.address().is_loopback()) {
    return std::unexpected{
        std::format("'{}' is not a loopback address, and what is served there would be open to all who reach it: give "
                    "--certificate, "
                    "--key and --token to serve it by TLS to who knows the token, or listen on 127.0.0.1 or [::1]",
                    endpoint.address().to_string())};
  }
  return acceptor;
}

}  // namespace

Listeners listeners_of_systemd(const asio::any_io_executor& executor, Reach reach) {
  std::vector<tcp::acceptor> listeners;
  const int count = ::sd_listen_fds(1);
  if (count < 0) return std::unexpected{"the sockets that systemd passed cannot be taken"};
  for (int descriptor = SD_LISTEN_FDS_START; descriptor < SD_LISTEN_FDS_START + count; ++descriptor) {
    tcp::acceptor acceptor{executor};
    error_code error;
    const bool is_v6 = ::sd_is_socket(descriptor, AF_INET6, SOCK_STREAM, 1) > 0;
    acceptor.assign(is_v6 ? tcp::v6() : tcp::v4(), descriptor, error);
    if (error) return std::unexpected{std::format("a socket that systemd passed is of no use: {}", error.message())};
    auto checked = within(reach, std::move(acceptor));
    if (!checked) return std::unexpected{checked.error()};
    listeners.push_back(std::move(*checked));
  }
  return listeners;
}

Listeners listen_on(const asio::any_io_executor& executor, const std::string& address, Reach reach) {
  const auto endpoint = endpoint_of(address);
  if (!endpoint) {
    return std::unexpected{std::format("'{}' is no address: expected one as 127.0.0.1:9748 or [::1]:9748", address)};
  }
  tcp::acceptor acceptor{executor};
  error_code error;
  acceptor.open(endpoint->protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address{true}, error);
  if (!error) acceptor.bind(*endpoint, error);
  if (error) {
    return std::unexpected{
        std::format("cannot listen on '{}': {}: choose another by --listen", address, error.message())};
  }
  auto checked = within(reach, std::move(acceptor));
  if (!checked) return std::unexpected{checked.error()};
  checked->listen(asio::socket_base::max_listen_connections, error);
  if (error) return std::unexpected{std::format("cannot listen on '{}': {}", address, error.message())};
  std::vector<tcp::acceptor> listeners;
  listeners.push_back(std::move(*checked));
  return listeners;
}

}  // namespace cloister::dashboard
