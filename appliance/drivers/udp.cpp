#include "appliance/drivers/udp.hpp"

#include <arpa/inet.h>
#include <netinet/udp.h>

#include <cerrno>
#include <cstring>
#include <format>

namespace cloister::drivers {
namespace {

constexpr int buffer_bytes = 8 * 1024 * 1024;

/// The privileged form ignores the system's limit; the plain one gives what is allowed.
void enlarge(int descriptor, int forced, int plain) {
  if (::setsockopt(descriptor, SOL_SOCKET, forced, &buffer_bytes, sizeof buffer_bytes) == 0) return;
  static_cast<void>(::setsockopt(descriptor, SOL_SOCKET, plain, &buffer_bytes, sizeof buffer_bytes));
}

}  // namespace

Result<SocketAddress> socket_address(const std::string& address, std::uint16_t port) {
  SocketAddress result;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (::inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&result.storage, &v4, sizeof v4);
    result.length = sizeof v4;
    return result;
  }
  if (::inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&result.storage, &v6, sizeof v6);
    result.length = sizeof v6;
    return result;
  }
  return fail(std::format("'{}' is not a numeric IP address", address));
}

namespace {

/// One more socket of the address; `shared` with others of this process's user.
Result<FileDescriptor> open_queue(const SocketAddress& local, const std::string& name, bool shared) {
  FileDescriptor descriptor{::socket(local.storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (descriptor.get() < 0) return fail(std::format("UDP {}: {}", name, std::strerror(errno)));
  enlarge(descriptor.get(), SO_RCVBUFFORCE, SO_RCVBUF);
  enlarge(descriptor.get(), SO_SNDBUFFORCE, SO_SNDBUF);
  const int on = 1;
  // Where the kernel cannot join what it receives, datagrams come one by one.
  static_cast<void>(::setsockopt(descriptor.get(), SOL_UDP, UDP_GRO, &on, sizeof on));
  if (shared) static_cast<void>(::setsockopt(descriptor.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on));
  if (::bind(descriptor.get(), reinterpret_cast<const sockaddr*>(&local.storage), local.length) < 0) {
    const int error = errno;
    const char* remedy = error == EADDRINUSE
                             ? "the port is in use: stop the other program (ss -ulnp shows it) or choose another port"
                         : error == EADDRNOTAVAIL ? "this machine does not have that address: check 'local_endpoint'"
                                                  : std::strerror(error);
    return fail(std::format("UDP {} cannot be opened: {}", name, remedy));
  }
  return descriptor;
}

}  // namespace

bool SocketAddress::operator==(const SocketAddress& other) const {
  return length == other.length && std::memcmp(&storage, &other.storage, length) == 0;
}

Result<UdpSocket> open_udp(const std::string& address, std::uint16_t port, std::size_t queues) {
  const auto local = socket_address(address, port);
  if (!local) return std::unexpected{local.error()};
  UdpSocket socket{.queues = {}, .name = std::format("{}:{}", address, port)};
  // A first one alone finds another program on the port, which sharing would not.
  if (auto alone = open_queue(*local, socket.name, false); !alone || queues == 1) {
    if (!alone) return std::unexpected{alone.error()};
    socket.queues.push_back(std::move(*alone));
    return socket;
  }
  while (socket.queues.size() < queues) {
    auto queue = open_queue(*local, socket.name, true);
    if (!queue) return std::unexpected{queue.error()};
    socket.queues.push_back(std::move(*queue));
  }
  return socket;
}

}  // namespace cloister::drivers
