#pragma once
/// UDP sockets for ESP, which cloister-netd has opened. Where there are several queues, they share one address and port.

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "appliance/drivers/file_descriptor.hpp"
#include "crypto/error.hpp"

namespace cloister::drivers {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  [[nodiscard]] bool operator==(const SocketAddress& other) const;
};

/// From a numeric address.
[[nodiscard]] Result<SocketAddress> socket_address(const std::string& address, std::uint16_t port);

struct UdpSocket {
  std::vector<FileDescriptor> queues;  // non-blocking, with large buffers
  std::string name;                    // "203.0.113.1:4500"
};

/// How a socket's datagrams are to travel.
struct UdpOptions {
  /// What is too long for the way, as far as the kernel knows it: refused (EMSGSIZE), cut by this machine, or by any
  /// router, as datagrams carry no DF then.
  enum class Cut { nowhere, here, anywhere };
  Cut cut = Cut::nowhere;
  bool tell_traffic_class = false;  // of what is received
};
/// May be changed while others use it.
void set_options(const UdpSocket& socket, const UdpOptions& options);

/// The longest IP packet that the way to the peer takes, as the kernel knows it by now from routes and from what
/// routers have said to any of its sockets. Nothing: there is no way.
[[nodiscard]] std::optional<std::size_t> path_mtu(const UdpSocket& socket, const SocketAddress& peer);

}  // namespace cloister::drivers
