#include "appliance/network/interfaces.hpp"

#include <ifaddrs.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <format>
#include <memory>
#include <string_view>

#include "appliance/network/netlink.hpp"
#include "appliance/network/tun_device.hpp"

namespace cloister::network {
namespace {

constexpr const char* our_alias = "cloister";

void read_tun(const nlattr* data, Interface& interface) {
  bool persistent = false;
  bool many_queues = false;
  for (const nlattr* attribute : attributes_within(data)) {
    const auto type = mnl_attr_get_type(attribute);
    if (type == IFLA_TUN_OWNER) interface.owner = mnl_attr_get_u32(attribute);
    if (type == IFLA_TUN_PERSIST) persistent = mnl_attr_get_u8(attribute) != 0;
    if (type == IFLA_TUN_MULTI_QUEUE) many_queues = mnl_attr_get_u8(attribute) != 0;
  }
  interface.tun = persistent && many_queues;
}

void read_kind(const nlattr* information, Interface& interface) {
  std::string_view kind;
  const nlattr* data = nullptr;
  for (const nlattr* attribute : attributes_within(information)) {
    const auto type = mnl_attr_get_type(attribute);
    if (type == IFLA_INFO_KIND) kind = mnl_attr_get_str(attribute);
    if (type == IFLA_INFO_DATA) data = attribute;
  }
  if (kind == "tun" && data != nullptr) read_tun(data, interface);
}

Interface interface_of(const nlmsghdr* message) {
  const auto* header = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
  Interface interface;
  interface.index = static_cast<unsigned>(header->ifi_index);
  interface.up = (header->ifi_flags & IFF_UP) != 0;
  for (const nlattr* attribute : attributes_of(message, sizeof(ifinfomsg))) {
    const auto type = mnl_attr_get_type(attribute);
    if (type == IFLA_IFNAME) interface.name = mnl_attr_get_str(attribute);
    if (type == IFLA_IFALIAS) interface.ours = std::string_view{mnl_attr_get_str(attribute)} == our_alias;
    if (type == IFLA_LINKINFO) read_kind(attribute, interface);
  }
  return interface;
}

nlmsghdr* link_message(std::span<char> buffer, std::uint16_t type, unsigned index) {
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = type;
  auto* link = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
  link->ifi_family = AF_UNSPEC;
  link->ifi_index = static_cast<int>(index);
  return message;
}

Result<> bring_up(const std::string& name, unsigned index, unsigned mtu) {
  std::array<char, request_bytes> buffer{};
  nlmsghdr* message = link_message(buffer, RTM_NEWLINK, index);
  auto* link = static_cast<ifinfomsg*>(mnl_nlmsg_get_payload(message));
  link->ifi_change = IFF_UP;
  link->ifi_flags = IFF_UP;
  mnl_attr_put_u32(message, IFLA_MTU, mtu);
  mnl_attr_put_strz(message, IFLA_IFALIAS, our_alias);
  if (const int error = transact(message); error != 0)
    return fail(std::format("interface '{}' cannot be brought up with MTU {}: {}", name, mtu, because(error)));
  return {};
}

}  // namespace

Result<std::vector<Interface>> interfaces() {
  std::array<char, request_bytes> buffer{};
  std::vector<Interface> all;
  const int error =
      dump(link_message(buffer, RTM_GETLINK, 0), [&](const nlmsghdr* answer) { all.push_back(interface_of(answer)); });
  if (error != 0) return fail(std::format("cannot list the interfaces: {}", because(error)));
  return all;
}

Result<unsigned> keep_interface(const std::string& name, uid_t owner, unsigned mtu,
                                const std::vector<Interface>& present) {
  const auto found = std::ranges::find(present, name, &Interface::name);
  const bool there = found != present.end();
  const bool right = there && found->tun && found->owner == owner;
  if (there && !right && !found->ours)
    return fail(
        std::format("interface '{}' is there already and not Cloister's: choose another 'interface', or delete "
                    "it (ip link delete {})",
                    name, name));
  if (there && !right) {
    if (auto deleted = delete_interface(*found); !deleted) return std::unexpected{deleted.error()};
  }
  const auto index = right ? Result<unsigned>{found->index} : make_tun_device(name, owner);
  if (!index) return index;
  return bring_up(name, *index, mtu).transform([&] { return *index; });
}

Result<> delete_interface(const Interface& interface) {
  std::array<char, request_bytes> buffer{};
  if (const int error = transact(link_message(buffer, RTM_DELLINK, interface.index)); error != 0)
    return fail(std::format("interface '{}' cannot be deleted: {}", interface.name, because(error)));
  return {};
}

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

}  // namespace cloister::network
