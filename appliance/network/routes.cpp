#include "appliance/network/routes.hpp"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <format>
#include <optional>
#include <span>

#include "appliance/network/netlink.hpp"

namespace cloister::network {
namespace {

constexpr std::uint32_t prohibit_metric = 0xFFFFFFF0U;
constexpr std::uint32_t prohibit_routed_metric = 0xFFFFFFF1U;

nlmsghdr* route_message(std::span<char> buffer, const Route& wanted, std::uint16_t type) {
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = type;
  auto* route = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)));
  const bool leads = wanted.interface_index != 0;
  route->rtm_family = wanted.prefix.v6 ? AF_INET6 : AF_INET;
  route->rtm_dst_len = wanted.prefix.length;
  route->rtm_table = RT_TABLE_MAIN;
  route->rtm_protocol = our_protocol;
  route->rtm_scope = leads && !wanted.prefix.v6 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  route->rtm_type = leads ? RTN_UNICAST : RTN_PROHIBIT;
  mnl_attr_put(message, RTA_DST, wanted.prefix.v6 ? 16 : 4, wanted.prefix.address.data());
  if (leads)
    mnl_attr_put_u32(message, RTA_OIF, wanted.interface_index);
  else
    mnl_attr_put_u32(message, RTA_PRIORITY, wanted.routed ? prohibit_routed_metric : prohibit_metric);
  return message;
}

std::optional<Route> our_route(const nlmsghdr* message) {
  const auto* header = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
  const bool v6 = header->rtm_family == AF_INET6;
  if (header->rtm_protocol != our_protocol || header->rtm_table != RT_TABLE_MAIN) return std::nullopt;
  Route route;
  route.prefix.v6 = v6;
  route.prefix.length = header->rtm_dst_len;
  const bool leads = header->rtm_type == RTN_UNICAST;
  for (const nlattr* attribute : attributes_of(message, sizeof(rtmsg))) {
    const auto type = mnl_attr_get_type(attribute);
    if (type == RTA_DST && mnl_attr_get_payload_len(attribute) == (v6 ? 16 : 4))
      std::memcpy(route.prefix.address.data(), mnl_attr_get_payload(attribute), v6 ? 16 : 4);
    // IPv6's prohibiting routes lead to the loopback interface, as the kernel sees it.
    if (type == RTA_PRIORITY) route.routed = !leads && mnl_attr_get_u32(attribute) == prohibit_routed_metric;
    if (type == RTA_OIF && leads) route.interface_index = mnl_attr_get_u32(attribute);
  }
  return route;
}

}  // namespace

Result<> add_route(const Route& route) {
  std::array<char, request_bytes> buffer{};
  nlmsghdr* message = route_message(buffer, route, RTM_NEWROUTE);
  message->nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE;
  const int error = transact(message);
  if (error == 0) return {};
  return fail(std::format(
      "cannot add {}: {}",
      route.interface_index != 0 ? "a route to the tunnel" : "the route that keeps packets from leaving in clear",
      because(error)));
}

Result<> delete_route(const Route& route) {
  std::array<char, request_bytes> buffer{};
  const int error = transact(route_message(buffer, route, RTM_DELROUTE));
  if (error == 0 || error == ESRCH) return {};  // with its interface it went by itself
  return fail(std::format("cannot delete a route of no tunnel any more: {}", because(error)));
}

Result<std::vector<Route>> our_routes() {
  std::vector<Route> routes;
  for (const bool v6 : {false, true}) {
    std::array<char, request_bytes> buffer{};
    nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
    message->nlmsg_type = RTM_GETROUTE;
    static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)))->rtm_family = v6 ? AF_INET6 : AF_INET;
    const int error = dump(message, [&](const nlmsghdr* answer) {
      if (auto route = our_route(answer)) routes.push_back(*route);
    });
    if (error != 0) return fail(std::format("cannot list the routes: {}", because(error)));
  }
  return routes;
}

}  // namespace cloister::network
