#include "tests/bench/chain_end.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "appliance/wire/reader.hpp"
#include "appliance/wire/writer.hpp"
#include "tests/bench/figures.hpp"

namespace cloister::bench {
namespace {

constexpr std::size_t head_bytes = 4 + 8 + 1;

}  // namespace

void Outcome::add(const distill::Amplified& made) {
  sifted_bits += made.account.key.detections();
  secret_bits += made.key.size_bits();
  errors += made.account.key.errors();
  const auto bytes = made.key.expose_bytes();
  keys.insert(keys.end(), bytes.begin(), bytes.end());
}

ChainEnd::ChainEnd(distill::Chain& chain, RecordedLight& light, bool receives, int socket, double one_way_seconds)
    : chain_{chain}, light_{light}, receives_{receives}, socket_{socket}, one_way_seconds_{one_way_seconds} {
  ::fcntl(socket_, F_SETFL, O_NONBLOCK);
}

/// Takes what the other end has still to say: unread, it would take what this end said last with it.
ChainEnd::~ChainEnd() {
  ::shutdown(socket_, SHUT_WR);
  ::fcntl(socket_, F_SETFL, 0);
  std::array<std::byte, 1 << 16> piece{};
  while (!gone_ && ::recv(socket_, piece.data(), piece.size(), 0) > 0) {
  }
  ::close(socket_);
}

Outcome ChainEnd::run(std::size_t blocks) {
  Outcome outcome;
  wanted_ = blocks;
  chain_.start({1});
  const double wall = wall_seconds();
  const double core = core_seconds();
  std::size_t made = 0;
  while (made < blocks || written_ < out_.size()) {
    read();
    bool moved = deliver();
    moved = feed() || moved;
    moved = drain(outcome, made) || moved;
    write();
    require(moved || !gone_ || !arrived_.empty(), "the other end stays until all is made");
    if (!moved) wait();
  }
  outcome.wall_seconds = wall_seconds() - wall;
  outcome.core_seconds = core_seconds() - core;
  return outcome;
}

/// Until all blocks that are measured are full: what is sifted into those behind them is not counted.
bool ChainEnd::feed() {
  bool moved = false;
  while (receives_ && !full_ && chain_.wants_frame()) {
    chain_.on_frame(light_.unpacked(next_frame_++));
    moved = true;
  }
  return moved;
}

bool ChainEnd::drain(Outcome& outcome, std::size_t& blocks) {
  bool moved = false;
  while (auto action = chain_.next_action()) {
    moved = true;
    if (std::holds_alternative<distill::Dropped>(*action)) {  // no key in it: a block like the others
      ++blocks;
      continue;
    }
    if (const auto* made = std::get_if<distill::Amplified>(&*action)) {
      outcome.add(*made);
      ++blocks;
      continue;
    }
    const auto& send = std::get<distill::Send>(*action);
    full_ = full_ || send.block.value > wanted_;
    wire::Writer head;
    head.u32(static_cast<std::uint32_t>(send.payload.size())).u64(send.block.value).u8(send.type);
    out_.insert(out_.end(), head.view().begin(), head.view().end());
    out_.insert(out_.end(), send.payload.begin(), send.payload.end());
  }
  return moved;
}

bool ChainEnd::deliver() {
  bool moved = false;
  while (!arrived_.empty() && (one_way_seconds_ <= 0 || arrived_.front().due <= wall_seconds())) {
    const distill::Send message = std::move(arrived_.front().message);
    arrived_.pop_front();
    require(chain_.on_message(message.block, message.type, message.payload).has_value(), "an honest message");
    moved = true;
  }
  return moved;
}

void ChainEnd::read() {
  std::array<std::byte, 1 << 16> piece{};
  while (!gone_) {
    const auto count = ::recv(socket_, piece.data(), piece.size(), 0);
    if (count < 0) {
      require(errno == EAGAIN, "the other end is there");
      break;
    }
    if (count == 0) {
      gone_ = true;
      break;
    }
    in_.insert(in_.end(), piece.begin(), piece.begin() + count);
  }
  wire::Reader whole{in_};
  std::size_t used = 0;
  while (whole.remaining() >= head_bytes) {
    const auto length = *whole.u32();
    const wire::BlockId block{*whole.u64()};
    const auto type = *whole.u8();
    const auto payload = whole.bytes(length);
    if (!payload) break;
    arrived_.push_back({wall_seconds() + one_way_seconds_, {block, type, {payload->begin(), payload->end()}}});
    used += head_bytes + length;
  }
  in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(used));
}

void ChainEnd::write() {
  while (written_ < out_.size()) {
    const auto count = ::send(socket_, out_.data() + written_, out_.size() - written_, MSG_NOSIGNAL);
    if (count < 0) {
      require(errno == EAGAIN, "the other end is there");
      return;
    }
    written_ += static_cast<std::size_t>(count);
  }
  out_.clear();
  written_ = 0;
}

void ChainEnd::wait() const {
  const int writing = written_ < out_.size() ? POLLOUT : 0;
  pollfd event{socket_, static_cast<short>(writing | (gone_ ? 0 : POLLIN)), 0};
  timespec limit{0, 100'000'000};
  if (!arrived_.empty()) {
    const double left = std::clamp(arrived_.front().due - wall_seconds(), 0.0, 0.1);
    limit.tv_nsec = static_cast<long>(1e9 * left);
  }
  ::ppoll(&event, 1, &limit, nullptr);
}

}  // namespace cloister::bench
