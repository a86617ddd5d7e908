#include "appliance/drivers/udp.hpp"

#include <arpa/inet.h>

#include <cstring>
#include <format>

namespace cloister::drivers {
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

bool is_v6(int socket) {
  int family = 0;
  socklen_t bytes = sizeof family;
  return ::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &bytes) == 0 && family == AF_INET6;
}

int discovery_v4(UdpOptions::Cut cut) {
  switch (cut) {
    case UdpOptions::Cut::nowhere:
      return IP_PMTUDISC_DO;
    case UdpOptions::Cut::here:
      return IP_PMTUDISC_WANT;
    case UdpOptions::Cut::anywhere:
      return IP_PMTUDISC_DONT;
  }
  return IP_PMTUDISC_WANT;
}

}  // namespace

void set_options(const UdpSocket& socket, const UdpOptions& options) {
  const int tell = options.tell_traffic_class ? 1 : 0;
  for (const auto& queue : socket.queues) {
    // The kernel takes these of any socket of the family; without them it would do as it does by itself.
    if (is_v6(queue.get())) {
      // Routers cut no IPv6 packet.
      const int discover = options.cut == UdpOptions::Cut::nowhere ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_WANT;
      static_cast<void>(::setsockopt(queue.get(), IPPROTO_IPV6, IPV6_MTU_DISCOVER, &discover, sizeof discover));
      static_cast<void>(::setsockopt(queue.get(), IPPROTO_IPV6, IPV6_RECVTCLASS, &tell, sizeof tell));
    } else {
      const int discover = discovery_v4(options.cut);
      static_cast<void>(::setsockopt(queue.get(), IPPROTO_IP, IP_MTU_DISCOVER, &discover, sizeof discover));
      static_cast<void>(::setsockopt(queue.get(), IPPROTO_IP, IP_RECVTOS, &tell, sizeof tell));
    }
  }
}

std::optional<std::size_t> path_mtu(const UdpSocket& socket, const SocketAddress& peer) {
  // Only a connected socket may be asked: another one, from the same address.
  SocketAddress local;
  local.length = sizeof local.storage;
  const int queue = socket.queues.front().get();
  if (::getsockname(queue, reinterpret_cast<sockaddr*>(&local.storage), &local.length) != 0) return std::nullopt;
  const bool v6 = local.storage.ss_family == AF_INET6;
  // Both have the port at the same place; any port will do.
  reinterpret_cast<sockaddr_in*>(&local.storage)->sin_port = 0;
  const FileDescriptor probe{::socket(local.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (probe.get() < 0 || ::bind(probe.get(), reinterpret_cast<const sockaddr*>(&local.storage), local.length) != 0 ||
      ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&peer.storage), peer.length) != 0)
    return std::nullopt;
  int mtu = 0;
  socklen_t bytes = sizeof mtu;
  const int got = v6 ? ::getsockopt(probe.get(), IPPROTO_IPV6, IPV6_MTU, &mtu, &bytes)
                     : ::getsockopt(probe.get(), IPPROTO_IP, IP_MTU, &mtu, &bytes);
  return got == 0 && mtu > 0 ? std::optional{static_cast<std::size_t>(mtu)} : std::nullopt;
}

bool SocketAddress::operator==(const SocketAddress& other) const {
  return length == other.length && std::memcmp(&storage, &other.storage, length) == 0;
}

}  // namespace cloister::drivers
