#include "appliance/network/udp.hpp"

#include <netdb.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <format>
#include <memory>
#include <string>

namespace cloister::network {
namespace {

using drivers::FileDescriptor;
using Address = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

constexpr int buffer_bytes = 8 * 1024 * 1024;

Result<Address> address_of(const handover::Endpoint& endpoint) {
  addrinfo numeric{};
  numeric.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  numeric.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(endpoint.address.c_str(), std::to_string(endpoint.port).c_str(), &numeric, &found) != 0)
    return fail(std::format("'{}' is not a numeric IP address", endpoint.address));
  return Address{found, ::freeaddrinfo};
}

const char* remedy(int error) {
  if (error == EADDRINUSE)
    return "the port is in use: stop the other program (ss -ulnp shows it) or choose another port";
  if (error == EADDRNOTAVAIL) return "this machine does not have that address: check 'local_endpoint'";
  return std::strerror(error);
}

/// The privileged form ignores the system's limit; the plain one gives what is allowed, in a user namespace.
void enlarge(int socket, int forced, int plain) {
  if (::setsockopt(socket, SOL_SOCKET, forced, &buffer_bytes, sizeof buffer_bytes) == 0) return;
  static_cast<void>(::setsockopt(socket, SOL_SOCKET, plain, &buffer_bytes, sizeof buffer_bytes));
}

/// One more socket of the address; `shared` with others that this process opens.
Result<FileDescriptor> open_queue(const addrinfo& local, const std::string& name, bool shared) {
  FileDescriptor socket{::socket(local.ai_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (socket.get() < 0) return fail(std::format("UDP {}: {}", name, std::strerror(errno)));
  enlarge(socket.get(), SO_RCVBUFFORCE, SO_RCVBUF);
  enlarge(socket.get(), SO_SNDBUFFORCE, SO_SNDBUF);
  const int on = 1;
  // Where the kernel cannot join what it receives, datagrams come one by one.
  static_cast<void>(::setsockopt(socket.get(), SOL_UDP, UDP_GRO, &on, sizeof on));
  if (shared) static_cast<void>(::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on));
  if (::bind(socket.get(), local.ai_addr, local.ai_addrlen) < 0)
    return fail(std::format("UDP {} cannot be opened: {}", name, remedy(errno)));
  return socket;
}

}  // namespace

Result<std::vector<FileDescriptor>> open_udp(const handover::Endpoint& endpoint, std::size_t queues) {
  const auto local = address_of(endpoint);
  if (!local) return std::unexpected{local.error()};
  const auto name = endpoint.to_string();
  std::vector<FileDescriptor> sockets;
  // A first one alone finds another program on the port, which sharing would not.
  if (auto alone = open_queue(**local, name, false); !alone || queues == 1) {
    if (!alone) return std::unexpected{alone.error()};
    sockets.push_back(std::move(*alone));
    return sockets;
  }
  while (sockets.size() < queues) {
    auto queue = open_queue(**local, name, true);
    if (!queue) return std::unexpected{queue.error()};
    sockets.push_back(std::move(*queue));
  }
  return sockets;
}

}  // namespace cloister::network
