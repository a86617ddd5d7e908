#include "appliance/dashboard/server.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message_generator.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <string_view>
#include <utility>
#include <variant>

#include "appliance/dashboard/admission.hpp"
#include "appliance/dashboard/live.hpp"
#include "appliance/dashboard/metrics.hpp"

namespace cloister::dashboard {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
namespace {

constexpr std::chrono::milliseconds pause_after_failed_accept{100};  // out of file descriptors: some will be freed
constexpr const char* content_security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";
constexpr auto as_value = asio::as_tuple(asio::use_awaitable);

struct Answer {
  http::status status = http::status::ok;
  std::string_view content_type = "text/plain; charset=utf-8";
  std::string body;
};

Answer refuse(const Refusal& refusal) {
  return {.status = refusal.status, .body = "cloister-dashboard: " + refusal.text + "\n"};
}

http::message_generator message(const http::request<http::empty_body>& request, Answer answer) {
  http::response<http::string_body> response{answer.status, request.version(), std::move(answer.body)};
  response.set(http::field::content_type, answer.content_type);
  response.set(http::field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  response.set("Referrer-Policy", "no-referrer");
  response.set("Content-Security-Policy", content_security_policy);
  if (answer.status == http::status::method_not_allowed) response.set(http::field::allow, "GET, HEAD");
  response.keep_alive(request.keep_alive());
  response.prepare_payload();
  if (request.method() != http::verb::head) return response;
  return http::response<http::empty_body>{response.base()};  // the same header, without the body it tells of
}

/// One of `clients_max`, from the connection's begin to its end.
class Place {
 public:
  explicit Place(std::shared_ptr<std::size_t> taken) : taken_{std::move(taken)} { ++*taken_; }
  ~Place() { --*taken_; }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  std::shared_ptr<std::size_t> taken_;
};

http::status status_of(const boost::system::error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return http::status::request_header_fields_too_large;
  if (error == http::error::unexpected_body) return http::status::payload_too_large;
  return http::status::bad_request;
}

/// The peer spoke, and it was no request; an error of the connection is none of these.
bool is_malformed(const boost::system::error_code& error) {
  return error.category() == make_error_code(http::error::bad_method).category() &&
         error != http::error::end_of_stream && error != http::error::partial_message;
}

}  // namespace

Server::Server(const asio::any_io_executor& executor, std::string control_socket, Limits limits)
    : source_{executor, std::move(control_socket)}, limits_{limits} {}

asio::awaitable<void> Server::serve(tcp::acceptor acceptor) {
  for (;;) {
    auto [error, socket] = co_await acceptor.async_accept(as_value);
    if (error == asio::error::operation_aborted) co_return;
    if (error) {
      asio::steady_timer pause{acceptor.get_executor(), pause_after_failed_accept};
      co_await pause.async_wait(as_value);
      continue;
    }
    if (*clients_ < limits_.clients_max)
      asio::co_spawn(acceptor.get_executor(), converse(std::move(socket)), asio::detached);
  }
}

asio::awaitable<void> Server::converse(tcp::socket socket) {
  const Place place{clients_};
  beast::tcp_stream stream{std::move(socket)};
  beast::flat_buffer buffer{std::size_t{2} * limits_.header_bytes_max};
  for (;;) {
    http::request_parser<http::empty_body> parser;
    parser.header_limit(limits_.header_bytes_max);
    stream.expires_after(limits_.request_max);
    const auto [unread, _] = co_await http::async_read(stream, buffer, parser, as_value);
    if (unread && !is_malformed(unread)) co_return;
    auto request = parser.release();
    if (unread) request.keep_alive(false);

    Answer answer;
    if (unread) {
      answer = refuse({status_of(unread), "not an HTTP request that is taken here: " + unread.message()});
    } else if (const auto route = admit(request); !route) {
      answer = refuse(route.error());
    } else if (std::holds_alternative<Live>(*route)) {
      stream.expires_never();  // the WebSocket has time limits of its own
      co_return co_await tell_status(std::move(stream), std::move(request), source_, limits_.live_interval);
    } else if (const auto* const* asset = std::get_if<const Asset*>(&*route)) {
      answer.content_type = (*asset)->content_type;
      answer.body = (*asset)->content;
    } else {
      answer.content_type = metrics_content_type;
      const auto status = co_await source_.latest();  // with a name: GCC 14 forgets to destroy such a temporary
      answer.body = render_metrics(*status);
    }
    stream.expires_after(limits_.answer_max);
    const auto [unsent, sent] = co_await beast::async_write(stream, message(request, std::move(answer)), as_value);
    if (unsent) co_return;
    if (!request.keep_alive()) break;
  }
  boost::system::error_code ignored;
  stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
}

}  // namespace cloister::dashboard
