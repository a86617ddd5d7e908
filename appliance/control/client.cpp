#include "appliance/control/client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <format>

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

std::expected<BoxStatus, std::string> fetch_status(const std::string& socket_path) {
  if (socket_path.empty() || socket_path.size() > 107) {
    return std::unexpected{std::format("'{}' is not a socket path: expected 1 to 107 characters", socket_path)};
  }
  asio::io_context context;
  asio::local::stream_protocol::socket socket{context};
  error_code result = asio::error::timed_out;
  std::string answer;
  const std::string request = encode_request(Request::status);

  socket.async_connect(asio::local::stream_protocol::endpoint{socket_path}, [&](error_code connected) {
    result = connected;
    if (result) return;
    asio::async_write(socket, asio::buffer(request), [&](error_code written, std::size_t) {
      result = written;
      if (result) return;
      result = asio::error::timed_out;
      asio::async_read_until(socket, asio::dynamic_buffer(answer, answer_bytes_max), '\n',
                             [&](error_code read, std::size_t) { result = read; });
    });
  });
  context.run_for(patience);
  if (result == asio::error::timed_out) {
    return std::unexpected{
        std::format("cloisterd did not answer on '{}' within {} s: look at its log (journalctl -u cloister)",
                    socket_path, patience.count())};
  }
  if (result) return std::unexpected{because(result, socket_path)};
  return decode_status(answer);
}

}  // namespace cloister::control
