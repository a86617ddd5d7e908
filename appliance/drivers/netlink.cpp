#include "appliance/drivers/netlink.hpp"

#include <ifaddrs.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <format>
#include <memory>
#include <span>
#include <vector>

namespace cloister::drivers {
namespace {

constexpr std::uint32_t prohibit_metric = 0xFFFFFFF0U;

struct CloseSocket {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};

/// Sends one request and waits for the kernel's acknowledgement; 0 or an errno.
int transact(nlmsghdr* message) {
  const std::unique_ptr<mnl_socket, CloseSocket> socket{mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC)};
  if (!socket) return errno;
  if (mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) return errno;
  message->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
  message->nlmsg_seq = 1;
  if (mnl_socket_sendto(socket.get(), message, message->nlmsg_len) < 0) return errno;
  std::vector<char> answer(static_cast<std::size_t>(MNL_SOCKET_BUFFER_SIZE));
  const auto bytes = mnl_socket_recvfrom(socket.get(), answer.data(), answer.size());
  if (bytes < 0) return errno;
  if (mnl_cb_run(answer.data(), static_cast<std::size_t>(bytes), 1, mnl_socket_get_portid(socket.get()), nullptr,
                 nullptr) < 0)
    return errno;
  return 0;
}

std::string because(int error) {
  return error == EPERM ? "the kernel refuses it: run as root or with CAP_NET_ADMIN"
                        : std::string{std::strerror(error)};
}

/// A route message for the prefix; the caller adds where it leads.
nlmsghdr* route_message(std::span<char> buffer, const RoutePrefix& prefix, unsigned char type) {
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = RTM_NEWROUTE;
  message->nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE;
  auto* route = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)));
  route->rtm_family = prefix.v6 ? AF_INET6 : AF_INET;
  route->rtm_dst_len = prefix.length;
  route->rtm_table = RT_TABLE_MAIN;
  route->rtm_protocol = RTPROT_STATIC;
  route->rtm_scope = (type == RTN_UNICAST && !prefix.v6) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  route->rtm_type = type;
  mnl_attr_put(message, RTA_DST, prefix.v6 ? 16 : 4, prefix.address.data());
  return message;
}

}  // namespace

std::string interface_with(const std::string& address) {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner{all, ::freeifaddrs};
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    const int family = one->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    const std::size_t bytes = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(one->ifa_addr, static_cast<socklen_t>(bytes), text.data(), text.size(), nullptr, 0,
                      NI_NUMERICHOST) == 0 &&
        address == text.data())
      return one->ifa_name;
  }
  return {};
}

Result<> bring_up(unsigned interface_index, unsigned mtu) {
  std::array<char, 1024> buffer{};
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = RTM_NEWLINK;
  auto* link = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
  link->ifi_family = AF_UNSPEC;
  link->ifi_index = static_cast<int>(interface_index);
  link->ifi_change = IFF_UP;
  link->ifi_flags = IFF_UP;
  mnl_attr_put_u32(message, IFLA_MTU, mtu);
  if (const int error = transact(message); error != 0) {
    return fail(std::format("interface {} cannot be brought up with MTU {}: {}", interface_index, mtu, because(error)));
  }
  return {};
}

Result<> add_route(const RoutePrefix& prefix, unsigned interface_index) {
  std::array<char, 1024> buffer{};
  nlmsghdr* message = route_message(buffer, prefix, RTN_UNICAST);
  mnl_attr_put_u32(message, RTA_OIF, interface_index);
  if (const int error = transact(message); error != 0)
    return fail(std::format("cannot add a route to the tunnel: {}", because(error)));
  return {};
}

Result<> add_prohibit_route(const RoutePrefix& prefix) {
  std::array<char, 1024> buffer{};
  nlmsghdr* message = route_message(buffer, prefix, RTN_PROHIBIT);
  mnl_attr_put_u32(message, RTA_PRIORITY, prohibit_metric);
  if (const int error = transact(message); error != 0) {
    return fail(std::format("cannot add the route that keeps packets from leaving in clear: {}", because(error)));
  }
  return {};
}

}  // namespace cloister::drivers
