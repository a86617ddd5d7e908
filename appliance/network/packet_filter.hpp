#pragma once
/// The box's packet filter, nftables' table "inet cloister", by nfnetlink (libmnl): one transaction replaces what was there,
/// so there is no moment without it. It outlives the service, and its cost does not grow with the number of tunnels.
///
///   forwarded packet:  from a far red subnet, not out of a tunnel          ─▶ dropped  (forged)
///                      to a far red subnet, not into a tunnel              ─▶ dropped  (it would leave in clear)
///                      from the black interface to a red subnet, in clear  ─▶ dropped
///                      from the black interface into a tunnel              ─▶ dropped  (forged: it would arrive as ours)
///                      from the black interface, from a red subnet         ─▶ dropped  (forged)
///                      out of a routed tunnel, neither into a tunnel nor
///                      to a red subnet                                     ─▶ dropped  (it would leave in clear)

#include <string>
#include <vector>

#include "appliance/network/routes.hpp"
#include "crypto/error.hpp"

namespace cloister::network {

struct PacketFilter {
  std::vector<RoutePrefix> local;        // red subnets on this side
  std::vector<RoutePrefix> remote;       // and on the far sides
  std::vector<std::string> tunnels;      // interfaces, whether they exist or not
  std::vector<std::string> routed = {};  // those of them that the kernel's table leads packets into
  std::vector<std::string> black;
};

[[nodiscard]] Result<> install(const PacketFilter& filter);

/// Whether its rules are all there, or somebody has emptied nftables.
[[nodiscard]] bool stands();

}  // namespace cloister::network
