#pragma once
/// What the service asks of the kernel's network: a link up, its MTU, routes. By rtnetlink (libmnl).

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "crypto/error.hpp"

namespace cloister::drivers {

struct RoutePrefix {
  std::array<std::byte, 16> address{};  // IPv4 in the first four bytes
  bool v6 = false;
  std::uint8_t length = 0;
};

/// Brings an interface up with the MTU.
[[nodiscard]] Result<> bring_up(unsigned interface_index, unsigned mtu);

/// Routes the prefix to the interface.
[[nodiscard]] Result<> add_route(const RoutePrefix& prefix, unsigned interface_index);

/// The net under the tunnel: a route of highest metric that answers "prohibited", so that packets for the prefix never
/// take the default route in clear when the tunnel's interface is gone. It outlives the service.
[[nodiscard]] Result<> add_prohibit_route(const RoutePrefix& prefix);

/// The interface that has the address; empty when none has.
[[nodiscard]] std::string interface_with(const std::string& address);

}  // namespace cloister::drivers
