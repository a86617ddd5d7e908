#include "hal/simulator/connection.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <format>
#include <utility>

namespace cloister::hal::simulator {

namespace {

// Two frames of 10 ms at 1.5e6 detections per second.
constexpr std::size_t buffer_bytes_initial = std::size_t{128} << 10;

}  // namespace

Connection::Connection(FileDescriptor socket, std::size_t message_bytes_max)
    : socket_{std::move(socket)},
      message_bytes_max_{message_bytes_max},
      incoming_(std::min(message_bytes_max, buffer_bytes_initial)) {}

void Connection::read() {
  std::copy(incoming_.begin() + static_cast<std::ptrdiff_t>(begin_),
            incoming_.begin() + static_cast<std::ptrdiff_t>(end_), incoming_.begin());
  end_ -= std::exchange(begin_, 0);
  const auto wanted = message_bytes(std::span{incoming_}.first(end_));
  if (wanted && *wanted <= message_bytes_max_ && *wanted > incoming_.size()) incoming_.resize(*wanted);
  const auto before = end_;
  while (end_ < incoming_.size()) {
    const auto count = read_some(std::span{incoming_}.subspan(end_));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
      // What came before the end (a reason for it, perhaps) is to be read first; the socket stays readable.
      closed_ = end_ == before;
      return;
    }
    end_ += static_cast<std::size_t>(count);
  }
}

Result<std::optional<Message>> Connection::next() {
  const auto unread = std::span<const std::byte>{incoming_}.subspan(begin_, end_ - begin_);
  if (const auto wanted = message_bytes(unread); wanted && *wanted > message_bytes_max_)
    return fail(std::format("fibre message of {} bytes where at most {} are expected", *wanted, message_bytes_max_));
  auto parsed = parse_message(unread);
  if (!parsed) return std::unexpected{std::move(parsed.error())};
  if (!*parsed) return std::nullopt;
  begin_ += (*parsed)->bytes;
  return std::move((*parsed)->message);
}

bool Connection::drop_until(std::span<const std::byte> bytes) {
  const auto unread = std::span<const std::byte>{incoming_}.subspan(begin_, end_ - begin_);
  const auto found = std::ranges::search(unread, bytes);
  // The beginning of what is sought may be the end of what is there.
  const auto dropped = found.empty() ? unread.size() - std::min(unread.size(), bytes.size() - 1)
                                     : static_cast<std::size_t>(found.begin() - unread.begin());
  begin_ += dropped;
  return !found.empty();
}

void Connection::send(std::span<const std::byte> bytes) {
  outgoing_.insert(outgoing_.end(), bytes.begin(), bytes.end());
  flush();
}

void Connection::flush() {
  while (sent_ < outgoing_.size()) {
    const auto count = write_some(std::span{outgoing_}.subspan(sent_));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) break;  // full: later; broken: `read` will see the end
    sent_ += static_cast<std::size_t>(count);
  }
  const bool worth_compacting = sent_ == outgoing_.size() || sent_ > outgoing_.size() / 2;
  if (!worth_compacting) return;
  outgoing_.erase(outgoing_.begin(), outgoing_.begin() + static_cast<std::ptrdiff_t>(sent_));
  sent_ = 0;
}

void Connection::drop_pending() {
  outgoing_.clear();
  sent_ = 0;
}

std::ptrdiff_t Connection::read_some(std::span<std::byte> out) const {
  return ::read(socket_.get(), out.data(), out.size());
}

std::ptrdiff_t Connection::write_some(std::span<const std::byte> bytes) const {
  const auto count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return count < 0 && errno == ENOTSOCK ? ::write(socket_.get(), bytes.data(), bytes.size()) : count;
}

}  // namespace cloister::hal::simulator
