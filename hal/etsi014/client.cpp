#include "hal/etsi014/client.hpp"

#include <openssl/ssl.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/vector_body.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>
#include <format>
#include <optional>
#include <span>
#include <utility>

#include "crypto/key_log.hpp"
#include "hal/etsi014/answer.hpp"
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

/// An answer's bytes are in the arena from the moment that they are no ciphertext any more.
using Bytes = http::vector_body<char, crypto::ArenaAllocator<char>>;
using Parser = http::response_parser<Bytes, crypto::ArenaAllocator<char>>;
using Buffer = beast::basic_flat_buffer<crypto::ArenaAllocator<char>>;

struct Request {
  Call call;
  http::verb verb = http::verb::post;
  std::string body;
};

std::unexpected<Failure> failed(std::string message) { return std::unexpected{Failure{.message = std::move(message)}}; }

/// A connection to the KME: one request after the other.
class Connection {
 public:
  Connection(const KmeSettings& settings, asio::ssl::context context, const asio::any_io_executor& executor)
      : settings_{settings}, context_{std::move(context)}, stream_{executor, context_} {}

  asio::awaitable<Keys<void>> open() {
    asio::ip::tcp::resolver resolver{co_await asio::this_coro::executor};
    const auto [not_found, places] =
        co_await resolver.async_resolve(settings_.host, std::to_string(settings_.port), as_value);
    if (not_found)
      co_return failed(std::format("the KME's name '{}' is not known: {}", settings_.host, not_found.message()));
    beast::get_lowest_layer(stream_).expires_after(patience);
    const auto [not_connected, place] = co_await beast::get_lowest_layer(stream_).async_connect(places, as_value);
    if (not_connected)
      co_return failed(std::format("the KME at {} port {} does not answer ({}): does it run, and is the way to it open",
                                   settings_.host, settings_.port, not_connected.message()));
    error_code error;
    stream_.set_verify_callback(asio::ssl::host_name_verification{settings_.host}, error);
    name_host();
    beast::get_lowest_layer(stream_).expires_after(patience);
    const auto [no_handshake] = co_await stream_.async_handshake(asio::ssl::stream_base::client, as_value);
    if (no_handshake)
      co_return failed(handshake_problem(settings_, no_handshake, SSL_get_verify_result(stream_.native_handle())));
    co_return Keys<void>{};
  }

  /// The body of an answer of status 200.
  asio::awaitable<Keys<crypto::SecretVector<char>>> ask(Request request) {
    http::request<http::string_body> message{
        request.verb, std::format("/api/v1/keys/{}/{}", settings_.peer_sae, to_string(request.call)), 11};
    message.set(http::field::host, settings_.host);
    message.set(http::field::accept, "application/json");
    if (!request.body.empty()) message.set(http::field::content_type, "application/json");
    message.body() = std::move(request.body);
    message.prepare_payload();
    beast::get_lowest_layer(stream_).expires_after(patience);
    const auto [not_written, written] = co_await http::async_write(stream_, message, as_value);
    if (not_written) co_return broken(request.call, not_written);
    Parser parser{std::piecewise_construct, std::make_tuple(), std::make_tuple()};
    parser.body_limit(body_bytes_max);
    parser.header_limit(header_bytes_max);
    beast::get_lowest_layer(stream_).expires_after(patience);
    const auto [not_read, read] = co_await http::async_read(stream_, buffer_, parser, as_value);
    if (not_read) co_return broken(request.call, not_read);
    auto body = std::move(parser.get().body());
    if (parser.get().result_int() != 200) co_return failed(explain(request.call, parser.get().result_int(), body));
    co_return body;
  }

 private:
  /// For a KME that has several names; an address is none (RFC 6066, 3).
  void name_host() {
    error_code no_address;
    asio::ip::make_address(settings_.host, no_address);
    std::string name = settings_.host;  // OpenSSL's macro casts const away
    if (no_address)
      SSL_ctrl(stream_.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
  }
  [[nodiscard]] std::unexpected<Failure> broken(Call call, const error_code& error) const {
    return failed(
        std::format("the KME at {} port {} does not answer {}: {}: look at its log, and whether it takes the "
                    "certificate '{}'",
                    settings_.host, settings_.port, to_string(call), error.message(), settings_.certificate));
  }

  const KmeSettings& settings_;
  asio::ssl::context context_;
  asio::ssl::stream<beast::tcp_stream> stream_;
  Buffer buffer_{header_bytes_max + body_bytes_max};
};

asio::awaitable<Keys<std::unique_ptr<Connection>>> connect(const KmeSettings& settings) {
  auto context = tls_context(settings);
  if (!context) co_return failed(context.error().message);
  auto connection = std::make_unique<Connection>(settings, std::move(*context), co_await asio::this_coro::executor);
  if (auto opened = co_await connection->open(); !opened) co_return std::unexpected{std::move(opened.error())};
  co_return connection;
}

/// Into `keys`, in their order.
void add(std::vector<FinishedKey>& keys, std::vector<FinishedKey> more) {
  for (auto& key : more) {
    crypto::log_secret("key of the KME", key.bits);
    keys.push_back(std::move(key));
  }
}

std::string names(std::span<const std::string> ids) {
  std::string list;
  for (const auto& id : ids) list += std::format(R"({}{{"key_ID": "{}"}})", list.empty() ? "" : ", ", id);
  return list;
}

asio::awaitable<Keys<std::vector<FinishedKey>>> take_fresh(Connection& connection, std::uint32_t key_bits,
                                                           std::uint32_t count, std::uint32_t at_once) {
  std::vector<FinishedKey> all;
  while (all.size() < count) {
    const auto number = std::min(at_once, count - static_cast<std::uint32_t>(all.size()));
    auto answer = co_await connection.ask(
        {.call = Call::enc_keys, .body = std::format(R"({{"number": {}, "size": {}}})", number, key_bits)});
    if (!answer) co_return std::unexpected{std::move(answer.error())};
    auto keys = parse_keys(*answer, key_bits, number);
    if (!keys) co_return failed(keys.error().message);
    add(all, std::move(*keys));
  }
  co_return all;
}

}  // namespace

Result<> check(const KmeSettings& settings) {
  return tls_context(settings).transform([](const asio::ssl::context&) {});
}

asio::awaitable<Keys<FreshKeys>> fresh_keys(KmeSettings settings, std::uint32_t count) {
  auto connection = co_await connect(settings);
  if (!connection) co_return std::unexpected{std::move(connection.error())};
  auto answer = co_await (*connection)->ask({.call = Call::status, .verb = http::verb::get, .body = {}});
  if (!answer) co_return std::unexpected{std::move(answer.error())};
  const auto limits = parse_status(*answer);
  if (!limits) co_return failed(limits.error().message);
  if (const auto fits = check_size(*limits, settings.key_bits); !fits) co_return failed(fits.error().message);
  if (limits->stored_key_count < count)
    co_return std::unexpected{Failure{
        .message = std::format("has {} of the {} keys of a block", limits->stored_key_count, count), .waits = true}};
  const auto at_once = keys_at_once(*limits, settings.key_bits);
  auto keys = co_await take_fresh(**connection, settings.key_bits, count, at_once);
  if (!keys) {
    keys.error().at_keys = true;
    co_return std::unexpected{std::move(keys.error())};
  }
  co_return FreshKeys{.keys = std::move(*keys), .at_once = at_once, .left_there = limits->stored_key_count - count};
}

asio::awaitable<Keys<std::vector<FinishedKey>>> named_keys(KmeSettings settings, std::vector<std::string> ids,
                                                           std::uint32_t at_once) {
  auto connection = co_await connect(settings);
  if (!connection) co_return std::unexpected{std::move(connection.error())};
  std::vector<FinishedKey> all;
  while (all.size() < ids.size()) {
    const auto asked =
        std::span{ids}.subspan(all.size()).first(std::min<std::size_t>(at_once, ids.size() - all.size()));
    auto answer = co_await (*connection)
                      ->ask({.call = Call::dec_keys, .body = std::format(R"({{"key_IDs": [{}]}})", names(asked))});
    if (!answer) co_return std::unexpected{std::move(answer.error())};
    auto keys = parse_keys(*answer, settings.key_bits, asked.size()).and_then([asked](std::vector<FinishedKey>&& got) {
      return in_order(std::move(got), asked);
    });
    if (!keys) co_return failed(keys.error().message);
    add(all, std::move(*keys));
  }
  co_return all;
}

}  // namespace cloister::hal::etsi014
