#include "tests/simulation/network.hpp"

#include <algorithm>
#include <utility>

namespace cloister::simulation {
using namespace std::chrono_literals;

void Network::connect(Instant not_before) {
  world_.plan(std::max(not_before, world_.now()) + delay(), [this, attempt = ++attempts_] {
    if (attempt != attempts_) return;  // of a life of the service that has ended
    if (parted(0) || parted(1)) return refuse(attempt, "connection timed out", 1s);
    if (!ends_[1].up() || (ends_[1].busy() && sockets_[1].open)) return refuse(attempt, "connection refused", delay());
    put_through({true, true});
  });
}

void Network::refuse(std::uint64_t attempt, const char* reason, Duration after) {
  world_.plan_in(after, [this, attempt, reason] {
    if (attempt == attempts_ && ends_[0].up()) ends_[0].disconnected(reason);
  });
}

/// A new connection at these ends; at the other one, if any, is the attacker.
void Network::put_through(std::array<bool, 2> ends) {
  const auto connection = ++connections_;
  for (std::size_t box = 0; box < 2; ++box) {
    if (!ends[box]) continue;
    sockets_[box] = {true, connection, world_.now() + delay()};
    withheld_[box].clear();
    world_.plan(sockets_[box].last_delivery, [this, box, connection] {
      if (sockets_[box].open && sockets_[box].connection == connection) ends_[box].connected();
    });
  }
}

/// A stream keeps its order and nothing else: pieces are cut anywhere.
void Network::transmit(std::size_t from, const std::vector<std::byte>& bytes) {
  if (!sockets_[from].open) return;
  tap_.stream(from, bytes);
  said_.push_back({from, sockets_[from].connection, bytes});
  const std::size_t pieces = 1 + world_.below(3);
  std::size_t begin = 0;
  for (std::size_t i = 0; i < pieces && begin < bytes.size(); ++i) {
    const std::size_t length = i + 1 == pieces ? bytes.size() - begin : 1 + world_.below(bytes.size() - begin);
    const auto* first = bytes.data() + begin;
    pass_piece(1 - from, std::vector<std::byte>(first, first + length));
    begin += length;
  }
}

void Network::pass_piece(std::size_t to, std::vector<std::byte> piece) {
  world_.note("piece", piece.size());
  const auto change = [this](double share) { return share > 0 && world_.happens(share) && ++forgeries_ > 0; };
  if (change(weather_.piece_drop)) return world_.say("network", "a piece of {} bytes is taken out", piece.size());
  if (change(weather_.piece_swap) && withheld_[to].empty()) {
    world_.say("network", "a piece of {} bytes is kept back", piece.size());
    withheld_[to] = std::move(piece);
    return;
  }
  if (change(weather_.piece_repeat)) {
    world_.say("network", "a piece of {} bytes is said twice", piece.size());
    deliver(to, piece, false);
  }
  const bool changed = change(weather_.piece_change);
  if (changed) {
    const auto bit = world_.below(8 * piece.size());
    world_.say("network", "bit {} of a piece of {} bytes is changed", bit, piece.size());
    piece[bit / 8] ^= std::byte{1} << (bit % 8);
  }
  deliver(to, std::move(piece), changed);
  if (!withheld_[to].empty()) deliver(to, std::exchange(withheld_[to], {}), true);
}

void Network::deliver(std::size_t to, std::vector<std::byte> piece, bool forged) {
  Socket& socket = sockets_[to];
  const auto connection = sockets_[1 - to].connection;
  if (!socket.open || socket.connection != connection) return;
  socket.last_delivery = std::max({socket.last_delivery + 1us, world_.now() + delay(), parted_until_[to]});
  world_.plan(socket.last_delivery, [this, to, connection, forged, piece = std::move(piece)]() mutable {
    if (sockets_[to].open && sockets_[to].connection == connection) ends_[to].received(std::move(piece), forged);
  });
}

void Network::disconnect(std::size_t from) {
  Socket& socket = sockets_[from];
  if (!socket.open) return;
  socket.open = false;
  const std::size_t to = 1 - from;
  const auto connection = socket.connection;
  const auto at = std::max({sockets_[to].last_delivery + 1us, world_.now() + delay(), parted_until_[to]});
  world_.plan(at, [this, to, connection] {
    if (sockets_[to].connection == connection) drop_socket(to, "the peer closed the connection");
  });
}

void Network::vanish(std::size_t box) {
  sockets_[box].open = false;
  sockets_[box].connection = ++connections_;
  if (box == 0) ++attempts_;
}

void Network::drop_socket(std::size_t box, const char* reason) {
  if (!sockets_[box].open) return;
  sockets_[box].open = false;
  if (ends_[box].up()) ends_[box].disconnected(reason);
}

void Network::cut() {
  world_.say("network", "the connection is cut");
  for (std::size_t box = 0; box < 2; ++box) {
    const auto connection = sockets_[box].connection = ++connections_;
    if (box == 1 && !weather_.server_notices_cuts) continue;
    world_.plan_in(world_.between(1ms, 150ms), [this, box, connection] {
      if (sockets_[box].connection == connection) drop_socket(box, "connection reset");
    });
  }
}

void Network::part(std::size_t to, Duration span) {
  world_.say("network", "nothing gets to box {} for {}", to,
             std::chrono::duration_cast<std::chrono::milliseconds>(span));
  parted_until_[to] = std::max(parted_until_[to], world_.now() + span);
}

void Network::send_datagram(std::size_t from, const std::vector<std::byte>& bytes) {
  tap_.datagram(from, bytes);
  datagrams_.push_back({from, 0, bytes});
  const std::size_t to = 1 - from;
  if (parted(to)) return;
  const auto arrives = [&](std::vector<std::byte> datagram, bool forged) {
    world_.plan_in(delay(), [this, to, forged, datagram = std::move(datagram)] {
      if (ends_[to].up()) ends_[to].datagram(datagram, forged);
    });
  };
  if (weather_.datagram_loss > 0 && world_.happens(weather_.datagram_loss)) return;
  if (weather_.datagram_repeat > 0 && world_.happens(weather_.datagram_repeat)) arrives(bytes, true);
  if (weather_.datagram_change > 0 && world_.happens(weather_.datagram_change)) {
    auto changed = bytes;
    changed[world_.below(changed.size())] ^= std::byte{1} << world_.below(8);
    return arrives(std::move(changed), true);
  }
  arrives(bytes, false);
}

void Network::replay_datagram() {
  if (datagrams_.empty()) return;
  const Sent& old = datagrams_[world_.below(datagrams_.size())];
  // To whom it was meant, or back to whom it came from.
  const std::size_t to = world_.happens(0.8) ? 1 - old.from : old.from;
  ++forgeries_;
  if (ends_[to].up()) ends_[to].datagram(old.bytes, true);
}

void Network::inject_into(std::size_t to) {
  if (said_.empty() || !sockets_[to].open) return;
  const Sent& old = said_[world_.below(said_.size())];
  world_.say("network", "{} bytes of earlier are put into the stream to box {}", old.bytes.size(), to);
  ++forgeries_;
  deliver(to, old.bytes, true);
}

void Network::impersonate_peer_of(std::size_t box) {
  if (said_.empty() || !ends_[box].up()) return;
  if (box == 1 && ends_[1].busy() && sockets_[1].open) return;
  if (box == 0 && sockets_[0].open) return;  // the client asks first
  const auto in_connection = said_[world_.below(said_.size())].connection;
  const std::size_t spoken_by = world_.happens(0.8) ? 1 - box : box;
  world_.say("network", "the attacker speaks to box {} as its peer, with box {}'s words of earlier", box, spoken_by);
  ++forgeries_;
  if (box == 0) ++attempts_;  // who is asked is the attacker
  put_through({box == 0, box == 1});
  say_again(box, spoken_by, in_connection);
}

void Network::say_again(std::size_t to, std::size_t spoken_by, std::uint64_t in_connection) {
  const auto connection = sockets_[to].connection;
  Instant at = sockets_[to].last_delivery;
  for (const Sent& old : said_) {
    if (old.connection != in_connection || old.from != spoken_by) continue;
    at += delay();
    world_.plan(at, [this, to, connection, bytes = old.bytes] {
      if (sockets_[to].open && sockets_[to].connection == connection) ends_[to].received(bytes, true);
    });
  }
  world_.plan(at + world_.between(1ms, 3s), [this, to, connection] {
    if (sockets_[to].connection == connection) drop_socket(to, "the peer closed the connection");
  });
}

}  // namespace cloister::simulation
