#pragma once
/// HTTP/1.1 and WebSocket by Beast: who connects gets what admission.hpp allows, within limits on size, time and number.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "appliance/dashboard/status_source.hpp"

namespace cloister::dashboard {

struct Limits {
  std::size_t clients_max = 32;
  std::uint32_t header_bytes_max = 8192;
  std::chrono::milliseconds request_max{15'000};  // from the connection, or the answer before, to a whole request
  std::chrono::milliseconds answer_max{10'000};
  std::chrono::milliseconds live_interval{1'000};
};

class Server {
 public:
  Server(const boost::asio::any_io_executor& executor, std::string control_socket, Limits limits = {});

  /// Accepts until the acceptor's context stops; the server must live as long as that runs.
  [[nodiscard]] boost::asio::awaitable<void> serve(boost::asio::ip::tcp::acceptor acceptor);

 private:
  boost::asio::awaitable<void> converse(boost::asio::ip::tcp::socket socket);

  StatusSource source_;
  Limits limits_;
  std::shared_ptr<std::size_t> clients_ = std::make_shared<std::size_t>(0);  // conversations may end after the server
};

}  // namespace cloister::dashboard
