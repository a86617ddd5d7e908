#include "appliance/dashboard/live.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <utility>

#include "appliance/control/protocol.hpp"

namespace cloister::dashboard {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
namespace {

constexpr std::size_t heard_bytes_max = 256;
constexpr auto as_value = asio::as_tuple(asio::use_awaitable);

template <class Socket>
asio::awaitable<void> push(Socket& socket, StatusSource& source, std::chrono::milliseconds interval) {
  asio::steady_timer next{socket.get_executor()};
  for (;;) {
    const auto status = co_await source.latest();
    const std::string text =
        *status ? control::encode_answer(**status) : control::encode_error(status->error().message);
    if (const auto [error, _] = co_await socket.async_write(asio::buffer(text), as_value); error) co_return;
    next.expires_after(interval);
    if (const auto [error] = co_await next.async_wait(as_value); error) co_return;
  }
}

/// The page says nothing, but only a pending read answers pings and notices the end.
template <class Socket>
asio::awaitable<void> until_closed(Socket& socket) {
  beast::flat_buffer heard;
  co_await socket.async_read(heard, as_value);
}

template <class Stream>
asio::awaitable<void> tell(Stream stream, http::request<http::string_body> request, StatusSource& source,
                           std::chrono::milliseconds interval) {
  websocket::stream<Stream> socket{std::move(stream)};
  socket.set_option(websocket::stream_base::timeout::suggested(beast::role_type::server));
  socket.read_message_max(heard_bytes_max);
  if (const auto [error] = co_await socket.async_accept(request, as_value); error) co_return;
  socket.text(true);
  using asio::experimental::awaitable_operators::operator||;
  co_await (push(socket, source, interval) || until_closed(socket));
}

}  // namespace

asio::awaitable<void> tell_status(beast::tcp_stream stream, http::request<http::string_body> request,
                                  StatusSource& source, std::chrono::milliseconds interval) {
  return tell(std::move(stream), std::move(request), source, interval);
}

asio::awaitable<void> tell_status(beast::ssl_stream<beast::tcp_stream> stream, http::request<http::string_body> request,
                                  StatusSource& source, std::chrono::milliseconds interval) {
  return tell(std::move(stream), std::move(request), source, interval);
}

}  // namespace cloister::dashboard
