#include "appliance/drivers/udp_burst.hpp"

#include <netinet/udp.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace cloister::drivers {
namespace {

constexpr std::size_t run_bytes_max = 65'000;  // less than a UDP datagram's limit, IPv4 or IPv6
constexpr std::size_t run_segments_max = 64;   // UDP_MAX_SEGMENTS of kernels before 6.9
constexpr int patience_milliseconds = 10;      // for a full socket

// Slots begin at different places within a page, or all would fall on the same few lines of the cache.
constexpr std::size_t slot_bytes = 65'536 + 1'664;
// What a batch of large runs should not exceed, so that it stays in the second-level cache.
constexpr std::size_t batch_bytes_wanted = 256UL * 1024;
constexpr std::size_t batch_runs_min = 4;

msghdr message_of(iovec& vector, const SocketAddress& peer) {
  msghdr message{};
  message.msg_name = const_cast<sockaddr_storage*>(&peer.storage);
  message.msg_namelen = peer.length;
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  return message;
}

/// Sends one message; waits once for a full socket. 0 or an errno.
int send_patiently(int socket, const msghdr& message) {
  for (bool waited = false;; waited = true) {
    if (::sendmsg(socket, &message, MSG_DONTWAIT) >= 0) return 0;
    if (errno != EAGAIN || waited) return errno;
    pollfd writable{socket, POLLOUT, 0};
    static_cast<void>(::poll(&writable, 1, patience_milliseconds));
  }
}

}  // namespace

SendBurst::SendBurst() : memory_(burst_bytes) {}

std::span<std::byte> SendBurst::room(std::size_t bytes) {
  if (runs_ == runs_max || memory_.size() - used_ < bytes) return {};
  return std::span{memory_}.subspan(used_, bytes);
}

void SendBurst::commit(std::size_t bytes, const SocketAddress& peer) {
  Run* last = runs_ == 0 ? nullptr : &list_[runs_ - 1];
  if (last != nullptr && !last->ended && *last->peer == peer && bytes <= last->segment_bytes &&
      last->bytes + bytes <= run_bytes_max && last->count < run_segments_max) {
    last->bytes += bytes;
    ++last->count;
    last->ended = bytes < last->segment_bytes;
  } else {
    list_[runs_++] = {used_, bytes, bytes, 1, false, &peer};
  }
  used_ += bytes;
}

std::size_t SendBurst::send(int socket) {
  std::size_t refused = 0;
  for (const Run& run : std::span{list_}.first(runs_)) {
    if (run.count == 1 || !segmentation_) {
      refused += send_singly(socket, run);
      continue;
    }
    iovec vector{memory_.data() + run.offset, run.bytes};
    msghdr message = message_of(vector, *run.peer);
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(std::uint16_t))> control{};
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_UDP;
    header->cmsg_type = UDP_SEGMENT;
    header->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
    const auto segment = static_cast<std::uint16_t>(run.segment_bytes);
    std::memcpy(CMSG_DATA(header), &segment, sizeof segment);

    switch (send_patiently(socket, message)) {
      case 0:
        break;
      case EIO:  // the device cannot compute checksums, and so cannot cut
        segmentation_ = false;
        [[fallthrough]];
      case EINVAL:  // longer than the way's MTU
      case EMSGSIZE:
        refused += send_singly(socket, run);
        break;
      default:
        refused += run.count;
    }
  }
  runs_ = 0;
  used_ = 0;
  return refused;
}

std::size_t SendBurst::send_singly(int socket, const Run& run) {
  std::array<mmsghdr, run_segments_max> messages{};
  std::array<iovec, run_segments_max> vectors{};
  for (std::size_t i = 0; i < run.count; ++i) {
    const std::size_t at = i * run.segment_bytes;
    vectors[i] = {memory_.data() + run.offset + at, std::min(run.segment_bytes, run.bytes - at)};
    messages[i] = {message_of(vectors[i], *run.peer), 0};
  }
  std::size_t refused = 0;
  for (std::size_t sent = 0; sent < run.count;) {
    const int count = ::sendmmsg(socket, &messages[sent], static_cast<unsigned>(run.count - sent), MSG_DONTWAIT);
    if (count > 0) {
      sent += static_cast<std::size_t>(count);
      continue;
    }
    if (send_patiently(socket, messages[sent].msg_hdr) != 0) ++refused;  // given up; the rest is tried
    ++sent;
  }
  return refused;
}

ReceiveBurst::ReceiveBurst() : memory_(runs_max * slot_bytes) {
  for (std::size_t i = 0; i < runs_max; ++i) {
    vectors_[i] = {memory_.data() + i * slot_bytes, slot_bytes};
    messages_[i].msg_hdr = message_of(vectors_[i], sources_[i]);
  }
}

std::size_t ReceiveBurst::receive(int socket) {
  for (std::size_t i = 0; i < asked_; ++i) {
    auto& header = messages_[i].msg_hdr;
    header.msg_namelen = sizeof(sockaddr_storage);
    header.msg_control = controls_[i].bytes.data();
    header.msg_controllen = controls_[i].bytes.size();
  }
  const int count = ::recvmmsg(socket, messages_.data(), static_cast<unsigned>(asked_), MSG_DONTWAIT, nullptr);
  if (count <= 0) return 0;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    auto& header = messages_[i].msg_hdr;
    sources_[i].length = header.msg_namelen;
    segments_[i] = messages_[i].msg_len;
    bytes += messages_[i].msg_len;
    for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr; control = CMSG_NXTHDR(&header, control)) {
      if (control->cmsg_level != SOL_UDP || control->cmsg_type != UDP_GRO) continue;
      int segment = 0;
      std::memcpy(&segment, CMSG_DATA(control), sizeof segment);
      if (segment > 0) segments_[i] = static_cast<std::size_t>(segment);
    }
  }
  const std::size_t mean = bytes / static_cast<std::size_t>(count) + 1;
  asked_ = std::clamp(batch_bytes_wanted / mean, batch_runs_min, runs_max);
  return static_cast<std::size_t>(count);
}

ReceiveBurst::Run ReceiveBurst::run(std::size_t index) const {
  return {std::span{memory_}.subspan(index * slot_bytes, messages_[index].msg_len), segments_[index], &sources_[index]};
}

}  // namespace cloister::drivers
