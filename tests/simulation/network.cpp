#include "tests/simulation/network.hpp"

#include <algorithm>

namespace cloister::simulation {
using namespace std::chrono_literals;

Network::Network(VirtualWorld& world, Trouble trouble) : world_{world}, trouble_{std::move(trouble)} {
  for (const auto at : trouble_.cuts) world_.plan_in(at, [this] { cut(); });
}

void Network::connect(Instant not_before) {
  world_.plan(std::max(not_before, world_.now()) + delay(), [this, attempt = ++attempts_] {
    if (attempt != attempts_) return;  // of a life of the service that has ended
    if (ends_[1].busy() && sockets_[1].open) {
      world_.plan_in(delay(), [this, attempt] {
        if (attempt == attempts_) ends_[0].disconnected("connection refused");
      });
      return;
    }
    const auto connection = ++connections_;
    for (std::size_t box = 0; box < 2; ++box) {
      sockets_[box] = {true, connection, world_.now() + delay()};
      world_.plan(sockets_[box].last_delivery, [this, box, connection] {
        if (sockets_[box].open && sockets_[box].connection == connection) ends_[box].connected();
      });
    }
  });
}

/// A stream keeps its order and nothing else: pieces are cut anywhere.
void Network::transmit(std::size_t from, const std::vector<std::byte>& bytes) {
  if (!sockets_[from].open) return;
  tap_.stream(from, bytes);
  const std::size_t pieces = 1 + world_.below(3);
  std::size_t begin = 0;
  for (std::size_t i = 0; i < pieces && begin < bytes.size(); ++i) {
    const std::size_t length = i + 1 == pieces ? bytes.size() - begin : 1 + world_.below(bytes.size() - begin);
    const auto* first = bytes.data() + begin;
    transmit_piece(1 - from, std::vector<std::byte>(first, first + length));
    begin += length;
  }
}

void Network::transmit_piece(std::size_t to, std::vector<std::byte> piece) {
  world_.note("piece", piece.size());
  const bool here = trouble_.tamper_at && pieces_++ == *trouble_.tamper_at;
  if (!here) {
    deliver(to, std::move(piece));
    if (!withheld_[to].empty()) deliver(to, std::move(withheld_[to]));
    withheld_[to].clear();
    return;
  }
  tampered_ = true;
  switch (trouble_.tampering) {
    case Tampering::flip_a_bit:
      piece[world_.below(piece.size())] ^= std::byte{1} << world_.below(8);
      return deliver(to, std::move(piece));
    case Tampering::drop:
      return;
    case Tampering::repeat:
      deliver(to, piece);
      return deliver(to, std::move(piece));
    case Tampering::swap_with_next:
      withheld_[to] = std::move(piece);
      return;
  }
}

void Network::deliver(std::size_t to, std::vector<std::byte> piece) {
  Socket& socket = sockets_[to];
  const auto connection = sockets_[1 - to].connection;
  if (!socket.open || socket.connection != connection) return;
  socket.last_delivery = std::max(socket.last_delivery + 1us, world_.now() + delay());
  world_.plan(socket.last_delivery, [this, to, connection, piece = std::move(piece)]() mutable {
    if (sockets_[to].open && sockets_[to].connection == connection) ends_[to].received(std::move(piece));
  });
}

void Network::disconnect(std::size_t from) {
  Socket& socket = sockets_[from];
  if (!socket.open) return;
  socket.open = false;
  const std::size_t to = 1 - from;
  const auto connection = socket.connection;
  const auto at = std::max(sockets_[to].last_delivery + 1us, world_.now() + delay());
  world_.plan(at, [this, to, connection] {
    if (sockets_[to].connection == connection) drop_socket(to, "the peer closed the connection");
  });
}

void Network::drop_socket(std::size_t box, const char* reason) {
  if (!sockets_[box].open) return;
  sockets_[box].open = false;
  ends_[box].disconnected(reason);
}

void Network::cut() {
  for (std::size_t box = 0; box < 2; ++box) {
    const auto connection = sockets_[box].connection = ++connections_;
    if (box == 1 && trouble_.one_notices_cuts) continue;
    world_.plan_in(world_.between(1ms, 150ms), [this, box, connection] {
      if (sockets_[box].connection == connection) drop_socket(box, "connection reset");
    });
  }
}

void Network::send_datagram(std::size_t from, const std::vector<std::byte>& bytes) {
  tap_.datagram(from, bytes);
  const int copies = world_.happens(trouble_.datagram_loss) ? 0 : world_.happens(trouble_.datagram_repeat) ? 2 : 1;
  for (int i = 0; i < copies; ++i) world_.plan_in(delay(), [this, to = 1 - from, bytes] { ends_[to].datagram(bytes); });
}

}  // namespace cloister::simulation
