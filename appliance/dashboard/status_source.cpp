#include "appliance/dashboard/status_source.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace cloister::dashboard {
namespace asio = boost::asio;
namespace {

constexpr std::chrono::milliseconds age_max{500};
constexpr auto as_value = asio::as_tuple(asio::use_awaitable);

}  // namespace

StatusSource::StatusSource(const asio::any_io_executor& executor, std::string socket_path)
    : socket_path_{std::move(socket_path)},
      asking_{executor, asio::steady_timer::time_point::max()},
      status_{std::make_shared<const control::StatusOrError>(
          std::unexpected{control::Failure{.message = "the service has not been asked yet"}})} {}

asio::awaitable<StatusSource::Status> StatusSource::latest() {
  const auto now = std::chrono::steady_clock::now();
  if (!is_asking_) {
    if (asked_at_ && now - *asked_at_ < age_max) co_return status_;
    asked_at_ = now;
    is_asking_ = true;
    // A coroutine of its own: the reader that came first may leave while others wait for the answer.
    asio::co_spawn(asking_.get_executor(), ask(), asio::detached);
  }
  co_await asking_.async_wait(as_value);
  co_return status_;
}

asio::awaitable<void> StatusSource::ask() {
  auto status = co_await control::status_of(socket_path_);
  status_ = std::make_shared<const control::StatusOrError>(std::move(status));
  is_asking_ = false;
  asking_.cancel();
}

}  // namespace cloister::dashboard
