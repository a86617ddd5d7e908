#pragma once
/// The TCP connection under a peer session: connects or listens as the session says, moves bytes, tells what happened.
/// Decides nothing but that there is one connection at a time, and that it comes from the peer's address: nobody else can
/// get so far without being on the path, and who is on the path can cut it anyway. A newcomer displaces the present one
/// where the session says that it may.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "crypto/error.hpp"

namespace cloister::drivers {

struct PeerAddress {
  std::string address;  // numeric
  std::uint16_t port = 0;
};

class PeerConnection {
 public:
  /// Called on the context's thread, never from inside a call of this class.
  struct Handlers {
    std::function<void()> connected;
    std::function<void(std::span<const std::byte>)> received;
    std::function<void(const std::string& reason)> disconnected;
    std::function<bool()> may_be_displaced;  // whether a newcomer may take the place of the present connection
    std::function<void(const std::string& address)> stranger;  // somebody else connected, and was closed at once
  };

  PeerConnection(boost::asio::io_context& context, Handlers handlers);
  ~PeerConnection();
  PeerConnection(const PeerConnection&) = delete;
  PeerConnection& operator=(const PeerConnection&) = delete;

  /// Server: accept connections on this address from now on, and only from the peer's.
  [[nodiscard]] Result<> listen(const PeerAddress& local, const std::string& peer_address);
  /// Client: connect at the time, from `local` to `peer`.
  void connect(const PeerAddress& local, const PeerAddress& peer, std::chrono::steady_clock::time_point at);
  void transmit(std::vector<std::byte> bytes);
  void disconnect();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace cloister::drivers
