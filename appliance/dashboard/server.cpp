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
#include <boost/beast/ssl/ssl_stream.hpp>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

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
    "form-action 'self'; frame-ancestors 'none'";
constexpr std::string_view html = "text/html; charset=utf-8";
constexpr std::uint64_t form_bytes_max = 1024;  // the form's one field; over the loopback nothing comes with a request
constexpr auto as_value = asio::as_tuple(asio::use_awaitable);

}  // namespace

struct Answer {
  http::status status = http::status::ok;
  std::string_view content_type = "text/plain; charset=utf-8";
  std::string body;
  std::string cookie{};
};

namespace {

Answer refuse(const Refusal& refusal) {
  return {.status = refusal.status, .body = "cloister-dashboard: " + refusal.text + "\n"};
}

http::message_generator message(const http::request<http::string_body>& request, Answer answer) {
  http::response<http::string_body> response{answer.status, request.version(), std::move(answer.body)};
  response.set(http::field::content_type, answer.content_type);
  response.set(http::field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  response.set("Referrer-Policy", "same-origin");  // with "no-referrer" the form's origin would be "null"
  response.set("Content-Security-Policy", content_security_policy);
  if (answer.status == http::status::method_not_allowed) response.set(http::field::allow, "GET, HEAD");
  if (answer.status == http::status::unauthorized) response.set(http::field::www_authenticate, "Bearer");
  if (answer.status == http::status::see_other) response.set(http::field::location, "/");
  if (!answer.cookie.empty()) response.set(http::field::set_cookie, answer.cookie);
  response.keep_alive(request.keep_alive());
  response.prepare_payload();
  if (request.method() != http::verb::head) return response;
  return http::response<http::empty_body>{response.base()};  // the same header, without the body it tells of
}

http::status status_of(const boost::system::error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return http::status::request_header_fields_too_large;
  if (error == http::error::body_limit) return http::status::payload_too_large;
  return http::status::bad_request;
}

/// The peer spoke, and it was no request; an error of the connection is none of these.
bool is_malformed(const boost::system::error_code& error) {
  return error.category() == make_error_code(http::error::bad_method).category() &&
         error != http::error::end_of_stream && error != http::error::partial_message;
}

}  // namespace

Server::Server(const asio::any_io_executor& executor, std::string control_socket, std::optional<Elsewhere> elsewhere,
               Limits limits)
    : source_{executor, std::move(control_socket)}, elsewhere_{std::move(elsewhere)}, limits_{limits} {}

asio::awaitable<void> Server::serve(tcp::acceptor acceptor) {
  const bool is_local = acceptor.local_endpoint().address().is_loopback();
  if (!is_local && !elsewhere_) co_return;
  const Place place = std::make_shared<const int>(0);
  for (;;) {
    auto [error, socket] = co_await acceptor.async_accept(as_value);
    if (error == asio::error::operation_aborted) co_return;
    if (error) {
      asio::steady_timer pause{acceptor.get_executor(), pause_after_failed_accept};
      co_await pause.async_wait(as_value);
      continue;
    }
    const auto taken = static_cast<std::size_t>(place.use_count() - 1);
    if (taken >= limits_.clients_max) continue;
    const auto executor = acceptor.get_executor();
    if (is_local) {
      asio::co_spawn(executor, converse(beast::tcp_stream{std::move(socket)}, place, nullptr), asio::detached);
    } else {
      asio::co_spawn(executor, welcome(std::move(socket), place), asio::detached);
    }
  }
}

asio::awaitable<void> Server::welcome(tcp::socket socket, Place place) {
  beast::ssl_stream<beast::tcp_stream> stream{std::move(socket), elsewhere_->tls};
  beast::get_lowest_layer(stream).expires_after(limits_.request_max);
  const auto [refused] = co_await stream.async_handshake(asio::ssl::stream_base::server, as_value);
  if (!refused) co_await converse(std::move(stream), std::move(place), &elsewhere_->token);
}

asio::awaitable<Answer> Server::answer(const Route& route) {
  Answer answer;
  if (const auto* const* asset = std::get_if<const Asset*>(&route)) {
    answer.content_type = (*asset)->content_type;
    answer.body = (*asset)->content;
  } else if (const auto* asks = std::get_if<LogIn>(&route)) {
    answer.status = http::status::unauthorized;
    answer.content_type = html;
    answer.body =
        login_page(asks->wrong ? "That is not the token. It stands in the file that the dashboard is started with."
                               : "This box asks for its dashboard's token.");
  } else if (std::holds_alternative<LoggedIn>(route)) {
    answer.status = http::status::see_other;
    answer.cookie = cookie_of(elsewhere_->token);
  } else {
    answer.content_type = metrics_content_type;
    const auto status = co_await source_.latest();  // with a name: GCC 14 forgets to destroy such a temporary
    answer.body = render_metrics(*status);
  }
  co_return answer;
}

/// `token`: what must be said here; null where nothing must.
template <class Stream>
asio::awaitable<void> Server::converse(Stream stream, [[maybe_unused]] Place place, const Token* token) {
  auto& connection = beast::get_lowest_layer(stream);
  beast::flat_buffer buffer{std::size_t{2} * limits_.header_bytes_max};
  for (;;) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(limits_.header_bytes_max);
    parser.body_limit(token == nullptr ? 0 : form_bytes_max);
    connection.expires_after(limits_.request_max);
    const auto [unread, _] = co_await http::async_read(stream, buffer, parser, as_value);
    if (unread && !is_malformed(unread)) co_return;
    auto request = parser.release();
    if (unread) request.keep_alive(false);

    Answer told;
    if (unread) {
      told = refuse({status_of(unread), "not an HTTP request that is taken here: " + unread.message()});
    } else if (const auto route =
                   token == nullptr ? admit(request) : admit_from_elsewhere(request, request.body(), *token);
               !route) {
      told = refuse(route.error());
    } else if (std::holds_alternative<Live>(*route)) {
      connection.expires_never();  // the WebSocket has time limits of its own
      co_return co_await tell_status(std::move(stream), std::move(request), source_, limits_.live_interval);
    } else {
      told = co_await answer(*route);
    }
    // Who has not said the token holds a place for one answer, no longer.
    if (told.status == http::status::unauthorized) request.keep_alive(false);
    connection.expires_after(limits_.answer_max);
    const auto [unsent, sent] = co_await beast::async_write(stream, message(request, std::move(told)), as_value);
    if (unsent) co_return;
    if (!request.keep_alive()) break;
  }
  if constexpr (std::is_same_v<Stream, beast::tcp_stream>) {
    boost::system::error_code ignored;
    stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
  } else {
    co_await stream.async_shutdown(as_value);
  }
}

}  // namespace cloister::dashboard
