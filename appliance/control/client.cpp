#include "appliance/control/client.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancel_at.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <format>
#include <tuple>

#include "appliance/control/protocol.hpp"

namespace cloister::control {
namespace asio = boost::asio;
using boost::system::error_code;
namespace {

constexpr std::chrono::seconds patience{5};

std::string because(const error_code& error, const std::string& path) {
  if (error == asio::error::access_denied) return std::format("no right to use '{}': run as root", path);
  if (error == boost::system::errc::no_such_file_or_directory || error == asio::error::connection_refused) {
    return std::format(
        "cloisterd does not answer on '{}': is the service running (systemctl status cloister), or is --socket another "
        "path",
        path);
  }
  return std::format("cannot talk to cloisterd on '{}': {}", path, error.message());
}

}  // namespace

asio::awaitable<StatusOrError> status_of(std::string socket_path) {
  if (socket_path.empty() || socket_path.size() > socket_path_max) {
    co_return std::unexpected{
        std::format("'{}' is not a socket path: expected 1 to {} characters", socket_path, socket_path_max)};
  }
  const auto in_time =
      asio::cancel_at(std::chrono::steady_clock::now() + patience, asio::as_tuple(asio::use_awaitable));
  const std::string request = encode_request(Request::status);
  std::string answer;
  asio::local::stream_protocol::socket socket{co_await asio::this_coro::executor};
  auto [error] = co_await socket.async_connect(asio::local::stream_protocol::endpoint{socket_path}, in_time);
  if (!error) std::tie(error, std::ignore) = co_await asio::async_write(socket, asio::buffer(request), in_time);
  if (!error) {
    std::tie(error, std::ignore) =
        co_await asio::async_read_until(socket, asio::dynamic_buffer(answer, answer_bytes_max), '\n', in_time);
  }
  if (error == asio::error::operation_aborted) {
    co_return std::unexpected{
        std::format("cloisterd did not answer on '{}' within {} s: look at its log (journalctl -u cloister)",
                    socket_path, patience.count())};
  }
  if (error) co_return std::unexpected{because(error, socket_path)};
  co_return decode_status(answer);
}

StatusOrError fetch_status(const std::string& socket_path) {
  asio::io_context context;
  auto status = asio::co_spawn(context, status_of(socket_path), asio::use_future);
  context.run();
  return status.get();
}

}  // namespace cloister::control
