#include "appliance/handover/channel.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <format>

#include "appliance/handover/messages.hpp"

namespace cloister::handover {
namespace {

std::string text_of(int error) {
  return error == EAGAIN || error == EWOULDBLOCK ? "no answer in time" : std::string{std::strerror(error)};
}

void wait_at_most(int socket, std::chrono::seconds patience) {
  const timeval limit{.tv_sec = patience.count(), .tv_usec = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

/// Room for the control message of as many descriptors as one message may bring.
struct alignas(cmsghdr) Control {
  std::array<std::byte, CMSG_SPACE(queues_max * sizeof(int))> bytes{};
};

std::vector<FileDescriptor> descriptors_of(msghdr& message) {
  std::vector<FileDescriptor> descriptors;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(part) + i * sizeof(int), sizeof descriptor);
      descriptors.emplace_back(descriptor);
    }
  }
  return descriptors;
}

}  // namespace

Result<Channel> Channel::connect(const std::string& path, std::chrono::seconds patience) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail(std::format("a socket's path has at most {} characters", sizeof address.sun_path - 1));
  std::memcpy(address.sun_path, path.data(), path.size());
  FileDescriptor socket{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  if (socket.get() < 0) return fail(text_of(errno));
  wait_at_most(socket.get(), patience);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail(text_of(errno));
  return Channel{std::move(socket)};
}

Channel Channel::accepted(FileDescriptor socket, std::chrono::seconds patience) {
  wait_at_most(socket.get(), patience);
  return Channel{std::move(socket)};
}

Result<> Channel::send(std::span<const std::byte> bytes, std::span<const FileDescriptor> descriptors) const {
  if (descriptors.size() > queues_max)
    return fail(
        std::format("a message brings {} descriptors, at most {} are expected", descriptors.size(), queues_max));
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  Control control;
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control.bytes.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    for (std::size_t i = 0; i < descriptors.size(); ++i) {
      const int descriptor = descriptors[i].get();
      std::memcpy(CMSG_DATA(rights) + i * sizeof(int), &descriptor, sizeof descriptor);
    }
  }
  if (::sendmsg(socket_.get(), &message, MSG_NOSIGNAL) < 0) return fail(text_of(errno));
  return {};
}

Result<Message> Channel::receive() const {
  Message received;
  received.bytes.resize(message_bytes_max);
  iovec part{received.bytes.data(), received.bytes.size()};
  Control control;
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  const auto length = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
  if (length < 0) return fail(text_of(errno));
  received.descriptors = descriptors_of(message);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return fail("a message is longer than any should be");
  received.bytes.resize(static_cast<std::size_t>(length));
  return received;
}

std::optional<uid_t> Channel::peer_user() const {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return std::nullopt;
  return peer.uid;
}

}  // namespace cloister::handover
