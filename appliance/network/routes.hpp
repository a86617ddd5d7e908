#pragma once
/// Routes to far subnets: into a tunnel's interface, and behind it the route of last resort. They carry a protocol number
/// of their own, by which those that nobody wants any more are found again.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "crypto/error.hpp"

namespace cloister::network {

/// By which routes and addresses that were made here are found again; none of /etc/iproute2/rt_protos.
inline constexpr std::uint8_t our_protocol = 67;

struct RoutePrefix {
  std::array<std::byte, 16> address{};  // IPv4 in the first four bytes
  bool v6 = false;
  std::uint8_t length = 0;
  auto operator<=>(const RoutePrefix&) const = default;
};

struct Route {
  RoutePrefix prefix;
  unsigned interface_index =
      0;                // 0: the net under the tunnel, of highest metric, which answers "prohibited": packets for
                        // the prefix never take the default route in clear when the interface is gone
  bool routed = false;  // of such a net: under what the kernel's table routes between boxes, not under a far subnet; a
                        // metric of its own tells them apart, whoever finds them later
  auto operator<=>(const Route&) const = default;
};

/// Makes it, or leads the same prefix to another interface.
[[nodiscard]] Result<> add_route(const Route& route);
[[nodiscard]] Result<> delete_route(const Route& route);
/// All that `add_route` made, at any time.
[[nodiscard]] Result<std::vector<Route>> our_routes();

}  // namespace cloister::network
