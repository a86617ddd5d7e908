#include "appliance/network/plan.hpp"

#include <algorithm>

#include "appliance/network/prefix_difference.hpp"

namespace cloister::network {
namespace {

PlannedInterface& interface_of(Plan& plan, const config::Tunnel& tunnel) {
  const auto found = std::ranges::find(plan.interfaces, tunnel.interface, &PlannedInterface::name);
  if (found != plan.interfaces.end()) return *found;
  return plan.interfaces.emplace_back(tunnel.interface, tunnel.mtu);
}

template <class Value>
void add_once(std::vector<Value>& to, Value value) {
  if (std::ranges::find(to, value) == to.end()) to.push_back(std::move(value));
}

template <class Value>
void add_all_once(std::vector<Value>& to, const std::vector<Value>& values) {
  for (const auto& value : values) add_once(to, value);
}

/// Who routes by the kernel's table makes the routes: here are only guards.
void plan_routed(Plan& plan, PlannedInterface& interface, const config::Tunnel& tunnel) {
  add_once(plan.guards.routed_interfaces, tunnel.interface);
  for (const auto& prefix : tunnel.remote_subnets) add_once(plan.guards.routed, config::prefix_as<RoutePrefix>(prefix));
  for (const auto& address : tunnel.addresses) {
    const auto whole = config::Prefix{address.network.family, address.bytes, address.network.length};
    interface.addresses.push_back({config::prefix_as<RoutePrefix>(whole)});
    // A link-local network is of each interface.
    if (!config::is_link_local(whole)) add_once(plan.guards.routed, config::prefix_as<RoutePrefix>(address.network));
  }
}

void plan_subnets(Plan& plan, PlannedInterface& interface, const config::Tunnel& tunnel) {
  for (const auto& prefix : tunnel.remote_subnets) {
    interface.routes.push_back(config::prefix_as<RoutePrefix>(prefix));
    add_once(plan.guards.remote, interface.routes.back());
  }
}

}  // namespace

void Guards::add(const Guards& other) {
  add_all_once(local, other.local);
  add_all_once(remote, other.remote);
  add_all_once(routed, other.routed);
  // What is far for one is far for both: a union of what each guards, whatever is behind the box for the other.
  add_all_once(far, other.far);
  add_all_once(interfaces, other.interfaces);
  add_all_once(routed_interfaces, other.routed_interfaces);
  add_all_once(black_addresses, other.black_addresses);
}

bool Plan::has_interface(const std::string& name) const {
  return std::ranges::find(interfaces, name, &PlannedInterface::name) != interfaces.end();
}

bool Plan::has_endpoint(const handover::Endpoint& endpoint) const {
  return std::ranges::find(endpoints, endpoint) != endpoints.end();
}

Plan plan_of(const config::Configuration& configuration) {
  Plan plan;
  for (const auto& tunnel : configuration.tunnels) {
    auto& interface = interface_of(plan, tunnel);
    add_once(plan.guards.interfaces, tunnel.interface);
    for (const auto& prefix : tunnel.local_subnets) add_once(plan.guards.local, config::prefix_as<RoutePrefix>(prefix));
    if (tunnel.routing == config::Routing::kernel)
      plan_routed(plan, interface, tunnel);
    else
      plan_subnets(plan, interface, tunnel);
    add_once(plan.guards.black_addresses, tunnel.local_endpoint.address);
    add_once(plan.endpoints, {tunnel.local_endpoint.address, tunnel.local_endpoint.port});
  }
  plan.behind = difference(plan.guards.local, plan.guards.remote);
  plan.guards.far = difference(plan.guards.routed, plan.behind);
  return plan;
}

}  // namespace cloister::network
