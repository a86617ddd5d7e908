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
constexpr std::chrono::seconds long_patience{60};  // a TPM of silicon may be slow

bool is_absence(const error_code& error) {
  return error == boost::system::errc::no_such_file_or_directory || error == asio::error::connection_refused;
}

Failure because(const error_code& error, const std::string& path) {
  if (error == asio::error::access_denied)
    return {Failure::Kind::right_lacking,
            std::format("no right to reach '{}': mend the modes of its directory, or run as root", path)};
  if (is_absence(error)) {
    return {Failure::Kind::service_absent,
            std::format("cloisterd does not answer on '{}': is the service running (systemctl status cloister), or is "
                        "--socket another path",
                        path)};
  }
  return {Failure::Kind::failed, std::format("cannot talk to cloisterd on '{}': {}", path, error.message())};
}

using LineOrFailure = std::expected<std::string, Failure>;

asio::awaitable<LineOrFailure> ask(std::string socket_path, Question question, std::chrono::seconds longest) {
  if (socket_path.empty() || socket_path.size() > socket_path_max) {
    co_return std::unexpected{
        Failure{Failure::Kind::failed,
                std::format("'{}' is not a socket path: expected 1 to {} characters", socket_path, socket_path_max)}};
  }
  const auto in_time = asio::cancel_at(std::chrono::steady_clock::now() + longest, asio::as_tuple(asio::use_awaitable));
  const std::string request = encode_request(question);
  std::string answer;
  asio::local::stream_protocol::socket socket{co_await asio::this_coro::executor};
  auto [error] = co_await socket.async_connect(asio::local::stream_protocol::endpoint{socket_path}, in_time);
  if (!error) {
    // Who has no right at all is told so and sent away, maybe before the request is written: the answer is read anyhow.
    co_await asio::async_write(socket, asio::buffer(request), in_time);
    std::tie(error, std::ignore) =
        co_await asio::async_read_until(socket, asio::dynamic_buffer(answer, answer_bytes_max), '\n', in_time);
  }
  if (error == asio::error::operation_aborted) {
    co_return std::unexpected{
        Failure{Failure::Kind::failed,
                std::format("cloisterd did not answer on '{}' within {} s: look at its log (journalctl -u cloister)",
                            socket_path, longest.count())}};
  }
  if (error) co_return std::unexpected{because(error, socket_path)};
  co_return answer;
}

/// For a program that has nothing else to do.
LineOrFailure ask_now(const std::string& socket_path, const Question& question, std::chrono::seconds longest) {
  asio::io_context context;
  auto asked = asio::co_spawn(context, ask(socket_path, question, longest), asio::use_future);
  context.run();
  return asked.get();
}

}  // namespace

asio::awaitable<StatusOrError> status_of(std::string socket_path) {
  const auto answer =
      co_await ask(std::move(socket_path), {.request = Request::status, .name = {}, .subject = {}}, patience);
  if (!answer) co_return std::unexpected{answer.error()};
  co_return decode_status(*answer);
}

std::expected<void, Failure> tell(const std::string& socket_path, const Question& order) {
  const auto longest = destroys(order.request) ? long_patience : patience;
  return ask_now(socket_path, order, longest).and_then([](const std::string& answer) { return decode_done(answer); });
}

std::expected<std::vector<TestResult>, Failure> test(const std::string& socket_path) {
  const Question question{.request = Request::selftest, .name = {}, .subject = {}};
  return ask_now(socket_path, question, long_patience).and_then([](const std::string& answer) {
    return decode_tests(answer);
  });
}

std::expected<std::vector<ConfigurationChange>, Failure> reload(const std::string& socket_path) {
  const Question question{.request = Request::reload, .name = {}, .subject = {}};
  return ask_now(socket_path, question, 2 * long_patience).and_then([](const std::string& answer) {
    return decode_changes(answer);
  });
}

bool service_absent(const std::string& socket_path) {
  asio::io_context context;
  asio::local::stream_protocol::socket socket{context};
  error_code error;
  if (socket_path.empty() || socket_path.size() > socket_path_max) return false;
  socket.connect(asio::local::stream_protocol::endpoint{socket_path}, error);
  return is_absence(error);
}

StatusOrError fetch_status(const std::string& socket_path) {
  asio::io_context context;
  auto status = asio::co_spawn(context, status_of(socket_path), asio::use_future);
  context.run();
  return status.get();
}

}  // namespace cloister::control
