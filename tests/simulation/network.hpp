#pragma once
/// The two networks between two boxes, and who holds them: a byte stream that breaks, datagrams that are lost, delayed
/// and repeated; and an attacker who changes what passes, and sends again what was ever sent.

#include <array>
#include <cstddef>
#include <functional>
#include <vector>

#include "tests/simulation/virtual_world.hpp"

namespace cloister::simulation {

/// How it is for whatever passes.
struct Weather {
  Duration delay_most = std::chrono::milliseconds{5};
  double datagram_loss = 0;
  double datagram_repeat = 0;
  double datagram_change = 0;
  double piece_change = 0;          // a bit of a piece of the stream
  double piece_drop = 0;            // taken out of the stream
  double piece_repeat = 0;          // twice in the stream
  double piece_swap = 0;            // after the next one
  bool server_notices_cuts = true;  // else by silence
};

/// What a box does with what the networks bring; box 0 is the client. `forged` is what the peer did not just send.
struct Ends {
  std::function<void()> connected;
  std::function<void(std::vector<std::byte>, bool forged)> received;
  std::function<void(const char*)> disconnected;
  std::function<bool()> up;    // there is somebody
  std::function<bool()> busy;  // the server does not take another connection
  std::function<void(const std::vector<std::byte>&, bool forged)> datagram;
};

/// Who listens: all that is sent, by the number of the box.
struct Tap {
  std::function<void(std::size_t from, const std::vector<std::byte>&)> stream = [](auto, const auto&) {};
  std::function<void(std::size_t from, const std::vector<std::byte>&)> datagram = [](auto, const auto&) {};
};

class Network {
 public:
  Network(VirtualWorld& world, Weather weather) : world_{world}, weather_{weather} {}
  void tap(Tap tap) { tap_ = std::move(tap); }
  void attach(std::size_t box, Ends ends) { ends_[box] = std::move(ends); }
  void set(const Weather& weather) { weather_ = weather; }

  void connect(Instant not_before);
  void transmit(std::size_t from, const std::vector<std::byte>& bytes);
  void disconnect(std::size_t from);
  void send_datagram(std::size_t from, const std::vector<std::byte>& bytes);
  /// The box is gone without a word; the other end hears nothing.
  void vanish(std::size_t box);

  /// Everything in flight is lost, and both ends notice sooner or later.
  void cut();
  /// Nothing gets through to this box until then; a stream's bytes wait.
  void part(std::size_t to, Duration span);
  /// One of all datagrams so far, again.
  void replay_datagram();
  /// Bytes of an earlier connection into this one.
  void inject_into(std::size_t to);
  /// The attacker in place of the peer, with what one of both has said in an earlier connection.
  void impersonate_peer_of(std::size_t box);

  /// What the attacker has done.
  [[nodiscard]] std::uint64_t forgeries() const { return forgeries_; }

 private:
  struct Socket {
    bool open = false;
    std::uint64_t connection = 0;
    Instant last_delivery;
  };
  struct Sent {
    std::size_t from = 0;
    std::uint64_t connection = 0;
    std::vector<std::byte> bytes;
  };
  void deliver(std::size_t to, std::vector<std::byte> piece, bool forged);
  void pass_piece(std::size_t to, std::vector<std::byte> piece);
  void drop_socket(std::size_t box, const char* reason);
  void refuse(std::uint64_t attempt, const char* reason, Duration after);
  void put_through(std::array<bool, 2> ends);
  void say_again(std::size_t to, std::size_t spoken_by, std::uint64_t in_connection);
  [[nodiscard]] bool parted(std::size_t to) const { return world_.now() < parted_until_[to]; }
  [[nodiscard]] Duration delay() { return world_.between(std::chrono::microseconds{200}, weather_.delay_most); }

  VirtualWorld& world_;
  Weather weather_;
  Tap tap_;
  std::array<Ends, 2> ends_;
  std::array<Socket, 2> sockets_;
  std::array<Instant, 2> parted_until_{};
  std::uint64_t connections_ = 0;
  std::uint64_t attempts_ = 0;                      // of the client to connect
  std::array<std::vector<std::byte>, 2> withheld_;  // by a swap, on its way to this box
  std::vector<Sent> said_;                          // on streams
  std::vector<Sent> datagrams_;
  std::uint64_t forgeries_ = 0;
};

}  // namespace cloister::simulation
