#include "hal/etsi014/client.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <format>
#include <span>
#include <utility>

#include "crypto/key_log.hpp"
#include "hal/etsi014/answer.hpp"
#include "hal/etsi014/connection.hpp"
#include "hal/etsi014/tls.hpp"

namespace cloister::hal::etsi014 {
namespace asio = boost::asio;
namespace {

std::unexpected<Failure> failed(std::string message) { return std::unexpected{Failure{.message = std::move(message)}}; }

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

asio::awaitable<Result<std::vector<FinishedKey>>> take_fresh(Connection& connection, std::uint32_t key_bits,
                                                             std::uint32_t count, std::uint32_t at_once) {
  std::vector<FinishedKey> all;
  while (all.size() < count) {
    const auto number = std::min(at_once, count - static_cast<std::uint32_t>(all.size()));
    auto answer = co_await connection.ask(
        {.call = Call::enc_keys, .body = std::format(R"({{"number": {}, "size": {}}})", number, key_bits)});
    if (!answer) co_return std::unexpected{std::move(answer.error())};
    auto keys = parse_keys(*answer, key_bits, number);
    if (!keys) co_return std::unexpected{std::move(keys.error())};
    add(all, std::move(*keys));
  }
  co_return all;
}

/// This KME's own limit. Where it refuses Bob its status, Alice's has to do.
asio::awaitable<Result<std::uint32_t>> own_keys_at_once(Connection& connection, std::uint32_t key_bits,
                                                        std::uint32_t of_alice) {
  auto answer = co_await connection.ask({.call = Call::status, .verb = boost::beast::http::verb::get, .body = {}});
  if (!answer && !connection.has_answered()) co_return std::unexpected{std::move(answer.error())};
  if (!answer) co_return of_alice;
  const auto limits = parse_status(*answer);
  co_return limits ? std::min(of_alice, keys_at_once(*limits, key_bits)) : of_alice;
}

}  // namespace

Result<> check(const KmeSettings& settings) {
  return tls_context(settings).transform([](const asio::ssl::context&) {});
}

asio::awaitable<Keys<FreshKeys>> fresh_keys(KmeSettings settings, std::uint32_t count) {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto context = tls_context(settings);
  if (!context) co_return failed(context.error().message);
  Connection connection{settings, std::move(*context), co_await asio::this_coro::executor};
  auto answer = co_await connection.ask({.call = Call::status, .verb = boost::beast::http::verb::get, .body = {}});
  if (!answer) co_return failed(answer.error().message);
  const auto limits = parse_status(*answer);
  if (!limits) co_return failed(limits.error().message);
  if (const auto fits = check_size(*limits, settings.key_bits); !fits) co_return failed(fits.error().message);
  if (const auto fits = check_count(*limits, count); !fits) co_return failed(fits.error().message);
  if (limits->stored_key_count < count)
    co_return std::unexpected{Failure{
        .message = std::format("has {} of the {} keys of a block", limits->stored_key_count, count), .waits = true}};
  const auto at_once = keys_at_once(*limits, settings.key_bits);
  auto keys = co_await take_fresh(connection, settings.key_bits, count, at_once);
  if (!keys) co_return failed(keys.error().message);
  co_return FreshKeys{.keys = std::move(*keys), .at_once = at_once, .left_there = limits->stored_key_count - count};
}

asio::awaitable<Keys<void>> named_keys(KmeSettings settings, std::vector<std::string> ids, std::uint32_t at_once,
                                       std::shared_ptr<std::vector<FinishedKey>> held) {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto context = tls_context(settings);
  if (!context) co_return failed(context.error().message);
  Connection connection{settings, std::move(*context), co_await asio::this_coro::executor};
  const auto in_a_request = co_await own_keys_at_once(connection, settings.key_bits, at_once);
  if (!in_a_request) co_return failed(in_a_request.error().message);
  while (held->size() < ids.size()) {
    const auto missing = std::span{ids}.subspan(held->size());
    const auto asked = missing.first(std::min<std::size_t>(*in_a_request, missing.size()));
    auto answer =
        co_await connection.ask({.call = Call::dec_keys, .body = std::format(R"({{"key_IDs": [{}]}})", names(asked))});
    if (!answer) co_return failed(answer.error().message);
    auto keys = parse_keys(*answer, settings.key_bits, asked.size()).and_then([asked](std::vector<FinishedKey>&& got) {
      return in_order(std::move(got), asked);
    });
    if (!keys) co_return failed(keys.error().message);
    add(*held, std::move(*keys));
  }
  co_return Keys<void>{};
}

}  // namespace cloister::hal::etsi014
