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
/// Of which interface.
struct PlacedAddress {
  unsigned interface_index = 0;
  InterfaceAddress address;
  auto operator<=>(const PlacedAddress&) const = default;
};
[[nodiscard]] Result<> delete_address(const PlacedAddress& placed);
/// All that `add_address` made, at any time.
[[nodiscard]] Result<std::vector<PlacedAddress>> our_addresses();

}  // namespace cloister::network
