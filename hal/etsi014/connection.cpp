#include "hal/etsi014/connection.hpp"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/vector_body.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>
#include <format>
#include <tuple>
#include <utility>

#include "hal/etsi014/tls.hpp"

namespace cloister::hal::etsi014 {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
namespace {

constexpr std::chrono::seconds patience{10};  // with each step
constexpr std::uint32_t header_bytes_max = 16 * 1024;
constexpr auto as_value = asio::as_tuple(asio::use_awaitable);

using Parser =
    http::response_parser<http::vector_body<char, crypto::ArenaAllocator<char>>, crypto::ArenaAllocator<char>>;

http::request<http::string_body> message_of(const KmeSettings& settings, Request request) {
  http::request<http::string_body> message{
      request.verb, std::format("/api/v1/keys/{}/{}", settings.peer_sae, to_string(request.call)), 11};
  const bool v6 = settings.host.contains(':');
  message.set(http::field::host, std::format("{}{}{}:{}", v6 ? "[" : "", settings.host, v6 ? "]" : "", settings.port));
  message.set(http::field::accept, "application/json");
  if (!request.body.empty()) message.set(http::field::content_type, "application/json");
  message.body() = std::move(request.body);
  message.prepare_payload();
  return message;
}

/// A fetch that was cancelled between two steps begins no other.
asio::awaitable<bool> cancelled() {
  const auto state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() != asio::cancellation_type::none;
}

}  // namespace

Connection::Connection(const KmeSettings& settings, asio::ssl::context context, asio::any_io_executor executor)
    : settings_{settings},
      context_{std::move(context)},
      executor_{std::move(executor)},
      buffer_{header_bytes_max + body_bytes_max} {}

asio::awaitable<Result<>> Connection::open() {
  // A resolver has a thread that nothing ends before the name server has answered, or not.
  error_code no_address;
  const auto address = asio::ip::make_address(settings_.address, no_address);
  if (no_address) co_return fail(std::format("'{}' is no IP address: set 'etsi014.address'", settings_.address));
  buffer_.clear();
  stream_.emplace(executor_, context_);
  auto& socket = beast::get_lowest_layer(*stream_);
  socket.expires_after(patience);
  const auto [not_connected] = co_await socket.async_connect({address, settings_.port}, as_value);
  if (not_connected)
    co_return fail(std::format("the KME at {} port {} does not answer ({}): does it run, and is the way to it open",
                               settings_.host, settings_.port, not_connected.message()));
  name_host();
  socket.expires_after(patience);
  const auto [no_handshake] = co_await stream_->async_handshake(asio::ssl::stream_base::client, as_value);
  if (no_handshake)
    co_return fail(handshake_problem(settings_, no_handshake, SSL_get_verify_result(stream_->native_handle())));
  co_return Result<>{};
}

asio::awaitable<Result<crypto::SecretVector<char>>> Connection::ask(Request request) {
  answered_ = false;
  if (co_await cancelled()) co_return broken(request.call, asio::error::operation_aborted);
  if (!stream_) {
    if (auto opened = co_await open(); !opened) co_return std::unexpected{std::move(opened.error())};
  }
  const Call call = request.call;
  const auto message = message_of(settings_, std::move(request));
  beast::get_lowest_layer(*stream_).expires_after(patience);
  const auto [not_written, written] = co_await http::async_write(*stream_, message, as_value);
  if (not_written) co_return broken(call, not_written);
  Parser parser{std::piecewise_construct, std::make_tuple(), std::make_tuple()};
  parser.body_limit(call == Call::status ? small_body_bytes_max : body_bytes_max);
  parser.header_limit(header_bytes_max);
  beast::get_lowest_layer(*stream_).expires_after(patience);
  const auto [no_header, header] = co_await http::async_read_header(*stream_, buffer_, parser, as_value);
  if (no_header) co_return broken(call, no_header);
  if (parser.get().result_int() != 200) {
    if (parser.content_length().value_or(0) > small_body_bytes_max)
      co_return broken(call, http::make_error_code(http::error::body_limit));
    parser.body_limit(small_body_bytes_max);
  }
  const auto [not_read, read] = co_await http::async_read(*stream_, buffer_, parser, as_value);
  if (not_read) co_return broken(call, not_read);
  answered_ = true;
  if (!parser.get().keep_alive()) stream_.reset();
  auto body = std::move(parser.get().body());
  if (parser.get().result_int() != 200) co_return fail(explain(call, parser.get().result_int(), body));
  co_return body;
}

/// The certificate must have it, and a KME with several names is told which one is meant; an address is none (RFC 6066, 3).
void Connection::name_host() {
  SSL* const native = stream_->native_handle();
  X509_VERIFY_PARAM* const expected = SSL_get0_param(native);
  std::string name = settings_.host;  // OpenSSL's macro casts const away
  error_code no_address;
  asio::ip::make_address(name, no_address);
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const bool set = no_address
                       ? X509_VERIFY_PARAM_set1_host(expected, name.data(), name.size()) == 1 &&
                             SSL_ctrl(native, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) == 1
                       : X509_VERIFY_PARAM_set1_ip_asc(expected, name.c_str()) == 1;
  require(set, "OpenSSL refuses the name that a KME's certificate must have");
}

std::unexpected<Error> Connection::broken(Call call, const error_code& error) const {
  const auto why = error == asio::error::operation_aborted
                       ? std::format("the whole fetch has taken {} s", fetch_takes_at_most.count())
                       : error.message();
  return fail(
      std::format("the KME at {} port {} does not answer {}: {}: look at its log, and whether it takes the "
                  "certificate '{}'",
                  settings_.host, settings_.port, to_string(call), why, settings_.certificate));
}

}  // namespace cloister::hal::etsi014
