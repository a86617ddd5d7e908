#include "appliance/network/addresses.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <format>
#include <optional>

#include "appliance/network/netlink.hpp"

namespace cloister::network {
namespace {

nlmsghdr* address_message(std::span<char> buffer, std::uint16_t type, unsigned interface_index,
                          const InterfaceAddress& wanted) {
  const auto& [bytes, v6, length] = wanted.address;
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = type;
  auto* header = static_cast<ifaddrmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifaddrmsg)));
  header->ifa_family = v6 ? AF_INET6 : AF_INET;
  header->ifa_prefixlen = length;
  header->ifa_scope = RT_SCOPE_UNIVERSE;
  header->ifa_index = interface_index;
  mnl_attr_put(message, IFA_LOCAL, v6 ? 16 : 4, bytes.data());
  mnl_attr_put(message, IFA_ADDRESS, v6 ? 16 : 4, bytes.data());
  mnl_attr_put_u8(message, IFA_PROTO, our_protocol);
  // Both ends are ours: nobody else has the address, and it is needed at once (RFC 4862, section 5.4).
  mnl_attr_put_u32(message, IFA_FLAGS, IFA_F_PERMANENT | IFA_F_NODAD);
  return message;
}

/// One that was made here.
std::optional<PlacedAddress> our_address(const nlmsghdr* message) {
  const auto* header = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(message));
  PlacedAddress found{.interface_index = header->ifa_index, .address = {}};
  RoutePrefix& address = found.address.address;
  address.v6 = header->ifa_family == AF_INET6;
  address.length = header->ifa_prefixlen;
  bool ours = false;
  for (const nlattr* attribute : attributes_of(message, sizeof(ifaddrmsg))) {
    const auto type = mnl_attr_get_type(attribute);
    const std::size_t bytes = address.v6 ? 16 : 4;
    if (type == IFA_PROTO) ours = mnl_attr_get_u8(attribute) == our_protocol;
    // IPv6 says its own address in IFA_ADDRESS alone.
    if ((type == IFA_LOCAL || (type == IFA_ADDRESS && address.v6)) && mnl_attr_get_payload_len(attribute) == bytes)
      std::memcpy(address.address.data(), mnl_attr_get_payload(attribute), bytes);
  }
  return ours ? std::optional{found} : std::nullopt;
}

}  // namespace

Result<> add_address(const std::string& interface, unsigned index, const InterfaceAddress& address) {
  std::array<char, request_bytes> buffer{};
  nlmsghdr* message = address_message(buffer, RTM_NEWADDR, index, address);
  message->nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE;
  const int error = transact(message);
  if (error == 0) return {};
  std::array<char, INET6_ADDRSTRLEN> text{};
  const auto& [bytes, v6, length] = address.address;
  ::inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), text.data(), text.size());
  return fail(std::format("interface '{}' cannot have the address {}/{}: {}{}", interface, text.data(), length,
                          because(error), v6 ? ": is IPv6 switched off (net.ipv6.conf.*.disable_ipv6)" : ""));
}

Result<> delete_address(const PlacedAddress& placed) {
  std::array<char, request_bytes> buffer{};
  const int error = transact(address_message(buffer, RTM_DELADDR, placed.interface_index, placed.address));
  if (error == 0 || error == EADDRNOTAVAIL) return {};  // with its interface it went by itself
  return fail(std::format("cannot delete an address of no tunnel any more: {}", because(error)));
}

Result<std::vector<PlacedAddress>> our_addresses() {
  std::vector<PlacedAddress> addresses;
  for (const bool v6 : {false, true}) {
    std::array<char, request_bytes> buffer{};
    nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
    message->nlmsg_type = RTM_GETADDR;
    static_cast<ifaddrmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifaddrmsg)))->ifa_family =
        v6 ? AF_INET6 : AF_INET;
    const int error = dump(message, [&](const nlmsghdr* answer) {
      if (auto address = our_address(answer)) addresses.push_back(*address);
    });
    if (error != 0) return fail(std::format("cannot list the addresses: {}", because(error)));
  }
  return addresses;
}

}  // namespace cloister::network
