// 64-byte packets as fast as one core can offer them, and what of them arrives; iperf3 is itself the limit there.
//
//   udp-load send COUNT PORT SECONDS FROM TO   to COUNT addresses from TO on, in turn, each from the address as far from FROM on
//   udp-load receive PORT SECONDS              counts what comes within SECONDS of the first packet
//   udp-load fill WINDOW BYTES PORT SECONDS TO  numbered packets, so many of them on their way at any time; says how many
//   udp-load order PORT                        says of them, when no more come, how many came, and how many of those after a later one
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <span>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t batch = 64;
constexpr std::size_t payload_bytes = 64;
constexpr std::size_t segments_at_once = 48;
constexpr int buffer_bytes = 8 * 1024 * 1024;

int open_socket() {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ::setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes);
  ::setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &buffer_bytes, sizeof buffer_bytes);
  return socket;
}

in_addr address_of(const char* text, std::size_t offset) {
  in_addr address{};
  ::inet_pton(AF_INET, text, &address);
  return {htonl(ntohl(address.s_addr) + static_cast<std::uint32_t>(offset))};
}

struct Message {
  sockaddr_in to{};
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(in_pktinfo))> control{};
};

int send_load(std::size_t count, std::uint16_t port, double seconds, const char* from, const char* to) {
  const int socket = open_socket();
  std::array<std::byte, payload_bytes> payload{};
  iovec vector{payload.data(), payload.size()};
  // Whole rounds of the addresses, so that a batch may begin anywhere.
  std::vector<Message> messages(count);
  std::vector<mmsghdr> headers(count + batch);
  for (std::size_t i = 0; i < headers.size(); ++i) {
    auto& message = messages[i % count];
    message.to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = address_of(to, i % count), .sin_zero = {}};
    auto& header = headers[i].msg_hdr;
    header.msg_name = &message.to;
    header.msg_namelen = sizeof message.to;
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = message.control.data();
    header.msg_controllen = message.control.size();
    cmsghdr* control = CMSG_FIRSTHDR(&header);
    control->cmsg_level = IPPROTO_IP;
    control->cmsg_type = IP_PKTINFO;
    control->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
    const in_pktinfo source{.ipi_ifindex = 0, .ipi_spec_dst = address_of(from, i % count), .ipi_addr = {}};
    std::memcpy(CMSG_DATA(control), &source, sizeof source);
  }
  std::uint64_t sent = 0;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  for (std::size_t at = 0; Clock::now() < end;) {
    const int done = ::sendmmsg(socket, &headers[at], batch, 0);
    if (done < 0) continue;
    sent += static_cast<std::uint64_t>(done);
    at = (at + static_cast<std::size_t>(done)) % count;
  }
  std::cout << sent << "\n";
  return 0;
}

/// Room for what comes at once.
struct Packets {
  static constexpr std::size_t bytes_most = 2048;
  std::vector<std::byte> memory = std::vector<std::byte>(batch * bytes_most);
  std::array<iovec, batch> vectors{};
  std::array<mmsghdr, batch> headers{};

  Packets() {
    for (std::size_t i = 0; i < batch; ++i) {
      vectors[i] = {memory.data() + i * bytes_most, bytes_most};
      headers[i].msg_hdr.msg_iov = &vectors[i];
      headers[i].msg_hdr.msg_iovlen = 1;
    }
  }
};

int receive_load(std::uint16_t port, double seconds) {
  const int socket = open_socket();
  const timeval patience{.tv_sec = 1, .tv_usec = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const sockaddr_in local{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {INADDR_ANY}, .sin_zero = {}};
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0) return 1;
  std::cout << "ready" << std::endl;
  Packets packets;
  std::uint64_t received = 0;
  Clock::time_point end = Clock::time_point::max();
  const auto give_up = Clock::now() + std::chrono::seconds{20};
  while (Clock::now() < end && (received > 0 || Clock::now() < give_up)) {
    const int done = ::recvmmsg(socket, packets.headers.data(), batch, MSG_WAITFORONE, nullptr);
    if (done <= 0) continue;
    if (received == 0)
      end = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    received += static_cast<std::uint64_t>(done);
  }
  std::cout << static_cast<double>(received) / seconds << "\n";
  return 0;
}

/// The window is full of segments on their way, so whatever is between the two is never idle, and nothing has to be thrown
/// away for want of room. What the receiver has seen last opens it again.
int send_full(std::uint64_t window, std::size_t bytes, std::uint16_t port, double seconds, const char* to) {
  const int socket = open_socket();
  const timeval patience{.tv_sec = 0, .tv_usec = 100'000};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const int segment = static_cast<int>(bytes);
  ::setsockopt(socket, SOL_UDP, UDP_SEGMENT, &segment, sizeof segment);
  const sockaddr_in peer{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = address_of(to, 0), .sin_zero = {}};
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) != 0) return 1;
  std::vector<std::byte> segments(segments_at_once * bytes);
  std::uint64_t next = 0;
  std::uint64_t seen = 0;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (Clock::now() < end) {
    if (next + segments_at_once > seen + window) {
      std::uint64_t last = 0;
      if (::recv(socket, &last, sizeof last, 0) == sizeof last) seen = std::max(seen, last + 1);
      continue;
    }
    for (std::size_t i = 0; i < segments_at_once; ++i) {
      const std::uint64_t number = next + i;
      std::memcpy(&segments[i * bytes], &number, sizeof number);
    }
    if (::send(socket, segments.data(), segments.size(), 0) > 0) next += segments_at_once;
  }
  std::cout << next << "\n";
  return 0;
}

int receive_numbered(std::uint16_t port) {
  const int socket = open_socket();
  const timeval silence{.tv_sec = 3, .tv_usec = 0};
  const sockaddr_in local{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {INADDR_ANY}, .sin_zero = {}};
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0) return 1;
  std::cout << "ready" << std::endl;
  Packets packets;
  sockaddr_in sender{};
  packets.headers[0].msg_hdr.msg_name = &sender;
  packets.headers[0].msg_hdr.msg_namelen = sizeof sender;
  std::uint64_t received = 0;
  std::uint64_t late = 0;
  std::uint64_t next = 0;
  while (true) {
    const int done = ::recvmmsg(socket, packets.headers.data(), batch, MSG_WAITFORONE, nullptr);
    if (done <= 0) break;
    if (received == 0) ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence);
    for (std::size_t i = 0; i < static_cast<std::size_t>(done); ++i) {
      std::uint64_t number = 0;
      std::memcpy(&number, packets.vectors[i].iov_base, sizeof number);
      if (number < next) ++late;
      next = std::max(next, number + 1);
    }
    received += static_cast<std::uint64_t>(done);
    const std::uint64_t last = next - 1;
    ::sendto(socket, &last, sizeof last, 0, reinterpret_cast<const sockaddr*>(&sender), sizeof sender);
  }
  std::cout << received << " " << late << "\n";
  return 0;
}

}  // namespace

int main(int count, char** words) {
  const std::span arguments{words, static_cast<std::size_t>(count)};
  if (count == 7 && std::string{arguments[1]} == "send") {
    return send_load(std::stoul(arguments[2]), static_cast<std::uint16_t>(std::stoul(arguments[3])),
                     std::stod(arguments[4]), arguments[5], arguments[6]);
  }
  if (count == 4 && std::string{arguments[1]} == "receive")
    return receive_load(static_cast<std::uint16_t>(std::stoul(arguments[2])), std::stod(arguments[3]));
  if (count == 7 && std::string{arguments[1]} == "fill") {
    return send_full(std::stoull(arguments[2]), std::stoul(arguments[3]),
                     static_cast<std::uint16_t>(std::stoul(arguments[4])), std::stod(arguments[5]), arguments[6]);
  }
  if (count == 3 && std::string{arguments[1]} == "order")
    return receive_numbered(static_cast<std::uint16_t>(std::stoul(arguments[2])));
  std::cerr << "usage: udp-load send COUNT PORT SECONDS FROM TO | udp-load receive PORT SECONDS |\n"
               "       udp-load fill WINDOW BYTES PORT SECONDS TO | udp-load order PORT\n";
  return 2;
}
