#pragma once
/// The service's end of the control socket.

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "appliance/control/protocol.hpp"

namespace cloister::control {

/// A client that waits for its answer while the service does something else, or ends.
class HeldClient {
 public:
  HeldClient(int descriptor, unsigned user) : descriptor_{descriptor}, user_{user} {}
  HeldClient(HeldClient&& other) noexcept : descriptor_{std::exchange(other.descriptor_, -1)}, user_{other.user_} {}
  HeldClient& operator=(HeldClient&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(user_, other.user_);
    return *this;
  }
  HeldClient(const HeldClient&) = delete;
  HeldClient& operator=(const HeldClient&) = delete;
  ~HeldClient();
  /// Who asks: the user's number, as the kernel says.
  [[nodiscard]] unsigned user() const { return user_; }
  void answer(std::string_view line) const;

 private:
  int descriptor_;
  unsigned user_;
};

/// Answers requests, on the given context, until destroyed (which also removes the socket). `answer` runs on that
/// context. Who may ask for what is decided by access.hpp, at the connection.
class Server {
 public:
  using Answer = std::function<std::string(const Question&, unsigned user)>;
  /// Of what takes its time.
  using Hold = std::function<void(Request, HeldClient)>;
  [[nodiscard]] static std::expected<std::unique_ptr<Server>, std::string> open(boost::asio::io_context& context,
                                                                                const std::string& path, Answer answer,
                                                                                Hold hold = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  struct Client;
  Server(boost::asio::io_context& context, std::string path, Answer answer, Hold hold);
  void accept();
  void admit(boost::asio::local::stream_protocol::socket socket);

  std::string path_;
  Access access_ = Access::of_this_system();
  Answer answer_;
  Hold hold_;
  boost::asio::local::stream_protocol::acceptor acceptor_;
  std::shared_ptr<std::size_t> clients_ = std::make_shared<std::size_t>(0);
};

}  // namespace cloister::control
