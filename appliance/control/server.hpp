#pragma once
/// The service's end of the control socket.

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "appliance/control/protocol.hpp"

namespace cloister::control {

/// Answers requests, on the given context, until destroyed (which also removes the socket). `answer` runs on that
/// context.
class Server {
 public:
  using Answer = std::function<std::string(Request)>;
  [[nodiscard]] static std::expected<std::unique_ptr<Server>, std::string> open(boost::asio::io_context& context,
                                                                                const std::string& path, Answer answer);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  struct Client;
  Server(boost::asio::io_context& context, std::string path, Answer answer);
  void accept();

  std::string path_;
  Answer answer_;
  boost::asio::local::stream_protocol::acceptor acceptor_;
  std::shared_ptr<std::size_t> clients_ = std::make_shared<std::size_t>(0);
};

}  // namespace cloister::control
