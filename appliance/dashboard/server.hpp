#pragma once
/// HTTP/1.1 and WebSocket by Beast: who connects gets what admission.hpp allows, within limits on size, time and number.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "appliance/dashboard/admission.hpp"
#include "appliance/dashboard/elsewhere.hpp"
#include "appliance/dashboard/status_source.hpp"

namespace cloister::dashboard {

struct Limits {
  std::size_t clients_max = 32;  // of each acceptor: who floods one leaves the others' places
  std::uint32_t header_bytes_max = 8192;
  std::chrono::milliseconds request_max{15'000};  // from the connection, or the answer before, to a whole request
  std::chrono::milliseconds answer_max{10'000};
  std::chrono::milliseconds live_interval{1'000};
};

struct Answer;

class Server {
 public:
  /// Without `elsewhere` only acceptors on loopback addresses may be served.
  Server(const boost::asio::any_io_executor& executor, std::string control_socket,
         std::optional<Elsewhere> elsewhere = {}, Limits limits = {});

  /// Accepts until the acceptor's context stops; the server must live as long as that runs. Loopback addresses are served
  /// in clear and to all, others by TLS to who says the token.
  [[nodiscard]] boost::asio::awaitable<void> serve(boost::asio::ip::tcp::acceptor acceptor);

 private:
  /// A conversation holds one of its acceptor's places while it lasts.
  using Place = std::shared_ptr<const int>;

  boost::asio::awaitable<void> welcome(boost::asio::ip::tcp::socket socket, Place place);
  template <class Stream>
  boost::asio::awaitable<void> converse(Stream stream, Place place, const Token* token);
  boost::asio::awaitable<Answer> answer(const Route& route);

  StatusSource source_;
  std::optional<Elsewhere> elsewhere_;
  Limits limits_;
};

}  // namespace cloister::dashboard
