#pragma once
/// What a configuration asks of the kernel's network: interfaces, routes, the packet filter. Computed, nothing is done.

#include <string>
#include <vector>

#include "appliance/handover/messages.hpp"
#include "appliance/network/addresses.hpp"
#include "appliance/network/packet_filter.hpp"
#include "appliance/network/routes.hpp"
#include "config/model.hpp"

namespace cloister::network {

struct PlannedInterface {
  std::string name;
  unsigned mtu = 0;
  std::vector<RoutePrefix> routes = {};          // the far subnets that it leads to
  std::vector<InterfaceAddress> addresses = {};  // its own
};

/// What keeps red packets in, whether or not anything else of a plan is there. Each value once.
struct Guards {
  std::vector<RoutePrefix> local = {};              // red subnets on this side
  std::vector<RoutePrefix> remote = {};             // and on the far sides
  std::vector<RoutePrefix> routed = {};             // networks within which the kernel's table routes between boxes
  std::vector<RoutePrefix> far = {};                // what of these is not behind this box
  std::vector<std::string> interfaces = {};         // of tunnels
  std::vector<std::string> routed_interfaces = {};  // those of them that the kernel's table leads packets into
  std::vector<std::string> black_addresses = {};    // of this box

  /// Those of another one too.
  void add(const Guards& other);
  bool operator==(const Guards&) const = default;
};

struct Plan {
  Guards guards;
  std::vector<RoutePrefix> behind;           // what is behind this box, and not behind a peer by a tunnel's subnets
  std::vector<PlannedInterface> interfaces;  // each once, where tunnels share one
  std::vector<handover::Endpoint> endpoints;

  [[nodiscard]] bool has_interface(const std::string& name) const;
  [[nodiscard]] bool has_endpoint(const handover::Endpoint& endpoint) const;
};

[[nodiscard]] Plan plan_of(const config::Configuration& configuration);

}  // namespace cloister::network
