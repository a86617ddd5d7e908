#pragma once
/// UDP sockets for ESP, which cloister-netd has opened. Where there are several queues, they share one address and port.

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
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

}  // namespace cloister::drivers
