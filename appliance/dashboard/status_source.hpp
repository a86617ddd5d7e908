#pragma once
/// The service's status for any number of readers at once: the service is asked once, and at most twice a second.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "appliance/control/client.hpp"

namespace cloister::dashboard {

class StatusSource {
 public:
  using Status = std::shared_ptr<const control::StatusOrError>;

  StatusSource(const boost::asio::any_io_executor& executor, std::string socket_path);

  /// At most half a second old.
  [[nodiscard]] boost::asio::awaitable<Status> latest();

 private:
  boost::asio::awaitable<void> ask();

  std::string socket_path_;
  boost::asio::steady_timer asking_;  // never fires; cancelled when the answer is there
  bool is_asking_ = false;
  std::optional<std::chrono::steady_clock::time_point> asked_at_;
  Status status_;  // never null
};

}  // namespace cloister::dashboard
