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

/// What is said to the kernel of a run besides its bytes.
class SendControl {
 public:
  /// `segment_bytes`: of each datagram, where the kernel is to cut; 0: it is one.
  SendControl(const SocketAddress& peer, std::uint8_t traffic_class, std::uint16_t segment_bytes) {
    if (segment_bytes != 0) add(SOL_UDP, UDP_SEGMENT, segment_bytes);
    if (traffic_class == 0) return;
    if (peer.storage.ss_family == AF_INET6)
      add(IPPROTO_IPV6, IPV6_TCLASS, int{traffic_class});
    else
      add(IPPROTO_IP, IP_TOS, int{traffic_class});
  }
  void attach(msghdr& message) {
    if (bytes_ == 0) return;
    message.msg_control = control_.data();
    message.msg_controllen = bytes_;
  }

 private:
  template <class Value>
  void add(int level, int type, Value value) {
    const cmsghdr header{.cmsg_len = CMSG_LEN(sizeof value), .cmsg_level = level, .cmsg_type = type};
    std::memcpy(control_.data() + bytes_, &header, sizeof header);
    std::memcpy(control_.data() + bytes_ + CMSG_LEN(0), &value, sizeof value);
    bytes_ += CMSG_SPACE(sizeof value);
  }

  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(std::uint16_t)) + CMSG_SPACE(sizeof(int))> control_{};
  std::size_t bytes_ = 0;
};

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
  const bool begins_run = runs_ == 0 || list_[runs_ - 1].ended;
  if (runs_ == runs_max || memory_.size() - used_ < (begins_run ? std::max(bytes, run_bytes_max) : bytes)) return {};
  return std::span{memory_}.subspan(used_, bytes);
}

void SendBurst::commit(std::size_t bytes, const SocketAddress& peer, std::uint8_t traffic_class) {
  Run* last = runs_ == 0 ? nullptr : &list_[runs_ - 1];
  if (last != nullptr && !last->ended && *last->peer == peer && last->traffic_class == traffic_class &&
      bytes <= last->segment_bytes) {
    last->bytes += bytes;
    ++last->count;
  } else {
    list_[runs_++] = {used_, bytes, bytes, 1, false, traffic_class, &peer};
    last = &list_[runs_ - 1];
  }
  last->ended = bytes < last->segment_bytes || last->count == run_segments_max ||
                last->bytes + last->segment_bytes > run_bytes_max;
  used_ += bytes;
}

SendBurst::Refused SendBurst::send(int socket) {
  Refused refused;
  const auto singly = [&](const Run& run) {
    const auto [datagrams, too_long] = send_singly(socket, run);
    refused.datagrams += datagrams;
    refused.too_long += too_long;
  };
  for (const Run& run : std::span{list_}.first(runs_)) {
    if (run.count == 1 || !segmentation_) {
      singly(run);
      continue;
    }
    iovec vector{memory_.data() + run.offset, run.bytes};
    msghdr message = message_of(vector, *run.peer);
    SendControl control{*run.peer, run.traffic_class, static_cast<std::uint16_t>(run.segment_bytes)};
    control.attach(message);

    switch (send_patiently(socket, message)) {
      case 0:
        break;
      case EIO:  // the device cannot compute checksums, and so cannot cut
        segmentation_ = false;
        [[fallthrough]];
      case EINVAL:  // longer than the way's MTU
      case EMSGSIZE:
        singly(run);
        break;
      default:
        refused.datagrams += run.count;
    }
  }
  runs_ = 0;
  used_ = 0;
  return refused;
}

SendBurst::Refused SendBurst::send_singly(int socket, const Run& run) {
  SendControl control{*run.peer, run.traffic_class, 0};
  std::array<mmsghdr, run_segments_max> messages{};
  std::array<iovec, run_segments_max> vectors{};
  for (std::size_t i = 0; i < run.count; ++i) {
    const std::size_t at = i * run.segment_bytes;
    vectors[i] = {memory_.data() + run.offset + at, std::min(run.segment_bytes, run.bytes - at)};
    messages[i] = {message_of(vectors[i], *run.peer), 0};
    control.attach(messages[i].msg_hdr);
  }
  Refused refused;
  for (std::size_t sent = 0; sent < run.count;) {
    const int count = ::sendmmsg(socket, &messages[sent], static_cast<unsigned>(run.count - sent), MSG_DONTWAIT);
    if (count > 0) {
      sent += static_cast<std::size_t>(count);
      continue;
    }
    const int error = send_patiently(socket, messages[sent].msg_hdr);
    if (error != 0) ++refused.datagrams;  // given up; the rest is tried
    if (error == EMSGSIZE) ++refused.too_long;
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
  datagrams_ = 0;
  full_ = count == static_cast<int>(asked_);
  if (count <= 0) return 0;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    auto& header = messages_[i].msg_hdr;
    sources_[i].length = header.msg_namelen;
    bytes += messages_[i].msg_len;
    take_controls(i);
    const std::size_t segment = std::max<std::size_t>(segments_[i], 1);
    datagrams_ += std::max<std::size_t>((messages_[i].msg_len + segment - 1) / segment, 1);  // an empty one is one too
  }
  const std::size_t mean = bytes / static_cast<std::size_t>(count) + 1;
  asked_ = std::clamp(batch_bytes_wanted / mean, batch_runs_min, runs_max);
  return static_cast<std::size_t>(count);
}

void ReceiveBurst::take_controls(std::size_t index) {
  segments_[index] = messages_[index].msg_len;
  classes_[index] = 0;
  auto& header = messages_[index].msg_hdr;
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr; control = CMSG_NXTHDR(&header, control)) {
    const auto says = [&](int level, int type) { return control->cmsg_level == level && control->cmsg_type == type; };
    int value = 0;
    if (says(SOL_UDP, UDP_GRO)) {
      std::memcpy(&value, CMSG_DATA(control), sizeof value);
      if (value > 0) segments_[index] = static_cast<std::size_t>(value);
    } else if (says(IPPROTO_IP, IP_TOS)) {  // a single byte
      std::memcpy(&classes_[index], CMSG_DATA(control), 1);
    } else if (says(IPPROTO_IPV6, IPV6_TCLASS)) {
      std::memcpy(&value, CMSG_DATA(control), sizeof value);
      classes_[index] = static_cast<std::uint8_t>(value);
    }
  }
}

ReceiveBurst::Run ReceiveBurst::run(std::size_t index) const {
  return {std::span{memory_}.subspan(index * slot_bytes, messages_[index].msg_len), segments_[index], &sources_[index],
          classes_[index]};
}

}  // namespace cloister::drivers
