#pragma once
/// Addresses of the tunnels' interfaces. Those that were made here carry a protocol number (ip address shows it, from
/// Linux 5.18 on), by which those that nobody wants any more are found again.

#include <string>
#include <vector>

#include "appliance/network/routes.hpp"
#include "crypto/error.hpp"

namespace cloister::network {

struct InterfaceAddress {
  RoutePrefix address;  // with the bits behind the length, which is that of its network
  auto operator<=>(const InterfaceAddress&) const = default;
};

/// Makes it; one that is there stays.
[[nodiscard]] Result<> add_address(const std::string& interface, unsigned index, const InterfaceAddress& address);
/// Takes away those of the interface that `add_address` made, and that are not `wanted`.
[[nodiscard]] Result<> clear_addresses(unsigned interface_index, const std::vector<InterfaceAddress>& wanted);

}  // namespace cloister::network
