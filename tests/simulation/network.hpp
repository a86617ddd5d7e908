#pragma once
/// The two networks between two boxes: a byte stream that breaks, and datagrams that are lost, delayed and repeated.

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "tests/simulation/virtual_world.hpp"

namespace cloister::simulation {

enum class Tampering { flip_a_bit, drop, repeat, swap_with_next };

/// What goes wrong in a run.
struct Trouble {
  Duration delay_most{};
  double datagram_loss = 0;
  double datagram_repeat = 0;
  std::vector<Duration> cuts;            // of the connection, at these times
  bool one_notices_cuts = false;         // the client only; the server must notice by silence
  std::optional<std::size_t> tamper_at;  // the number of the piece of the stream
  Tampering tampering{};
};

/// What a box does with what the networks bring; box 0 is the client.
struct Ends {
  std::function<void()> connected;
  std::function<void(std::vector<std::byte>)> received;
  std::function<void(const char*)> disconnected;
  std::function<bool()> busy;  // the server does not take another connection
  std::function<void(std::vector<std::byte>)> datagram;
};

/// Who listens: all that is sent, by the number of the box.
struct Tap {
  std::function<void(std::size_t from, const std::vector<std::byte>&)> stream = [](auto, const auto&) {};
  std::function<void(std::size_t from, const std::vector<std::byte>&)> datagram = [](auto, const auto&) {};
};

class Network {
 public:
  Network(VirtualWorld& world, Trouble trouble);
  void tap(Tap tap) { tap_ = std::move(tap); }
  void attach(std::size_t box, Ends ends) { ends_[box] = std::move(ends); }

  void connect(Instant not_before);
  void transmit(std::size_t from, const std::vector<std::byte>& bytes);
  void disconnect(std::size_t from);
  /// Everything in flight is lost, and both ends notice sooner or later.
  void cut();
  void send_datagram(std::size_t from, const std::vector<std::byte>& bytes);
  /// The number of the newest connection.
  [[nodiscard]] std::uint64_t connection() const { return connections_; }
  [[nodiscard]] bool tampered() const { return tampered_; }

 private:
  struct Socket {
    bool open = false;
    std::uint64_t connection = 0;
    Instant last_delivery;
  };
  void deliver(std::size_t to, std::vector<std::byte> piece);
  void transmit_piece(std::size_t to, std::vector<std::byte> piece);
  void drop_socket(std::size_t box, const char* reason);
  [[nodiscard]] Duration delay() { return world_.between(std::chrono::microseconds{200}, trouble_.delay_most); }

  VirtualWorld& world_;
  Trouble trouble_;
  Tap tap_;
  std::array<Ends, 2> ends_;
  std::array<Socket, 2> sockets_;
  std::uint64_t connections_ = 0;
  std::uint64_t attempts_ = 0;  // of the client to connect
  std::size_t pieces_ = 0;
  bool tampered_ = false;
  std::array<std::vector<std::byte>, 2> withheld_;  // by a swap, on its way to this box
};

}  // namespace cloister::simulation
