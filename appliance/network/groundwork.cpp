#include "appliance/network/groundwork.hpp"

#include <algorithm>
#include <iterator>
#include <set>

#include "appliance/network/interfaces.hpp"
#include "appliance/network/prefix_difference.hpp"

namespace cloister::network {
namespace {

/// Into an interface that is up.
Result<> lead_into(const PlannedInterface& interface, unsigned index) {
  for (const auto& prefix : interface.routes) {
    if (auto done = add_route({.prefix = prefix, .interface_index = index}); !done) return done;
  }
  for (const auto& address : interface.addresses) {
    if (auto done = add_address(interface.name, index, address); !done) return done;
  }
  return {};
}

}  // namespace

Result<> lay_guards(const Guards& guards) {
  PacketFilter filter{.local = guards.local,
                      .remote = guards.remote,
                      .tunnels = guards.interfaces,
                      .routed = guards.routed_interfaces,
                      .black = {}};
  std::ranges::copy(guards.far, std::back_inserter(filter.remote));
  for (const auto& address : guards.black_addresses) {
    if (auto black = interface_with(address); !black.empty()) filter.black.push_back(std::move(black));
  }
  if (auto done = install(filter); !done) return done;
  for (const auto& prefix : guards.remote) {
    if (auto done = add_route({.prefix = prefix}); !done) return done;
  }
  for (const auto& prefix : guards.routed) {
    if (auto done = add_route({.prefix = prefix, .routed = true}); !done) return done;
  }
  return {};
}

Result<Guards> standing_guards(const std::vector<RoutePrefix>& behind) {
  const auto present = interfaces();
  if (!present) return std::unexpected{present.error()};
  const auto routes = our_routes();
  if (!routes) return std::unexpected{routes.error()};
  Guards standing;
  for (const auto& interface : *present) {
    if (interface.ours) standing.interfaces.push_back(interface.name);
  }
  for (const auto& route : *routes) {
    if (route.interface_index == 0) (route.routed ? standing.routed : standing.remote).push_back(route.prefix);
  }
  standing.far = difference(standing.routed, behind);
  return standing;
}

Result<> lay_paths(const Plan& plan, uid_t owner) {
  const auto present = interfaces();
  if (!present) return std::unexpected{present.error()};
  for (const auto& interface : plan.interfaces) {
    const auto index = keep_interface(interface.name, owner, interface.mtu, *present);
    if (!index) return std::unexpected{index.error()};
    if (auto done = lead_into(interface, *index); !done) return done;
  }
  return {};
}

Result<std::vector<std::string>> lay_lost_routes(const Plan& plan) {
  const auto present = interfaces();
  if (!present) return std::unexpected{present.error()};
  const auto routes = our_routes();
  if (!routes) return std::unexpected{routes.error()};
  const std::set<Route> there{routes->begin(), routes->end()};
  std::vector<std::string> laid;
  for (const auto& interface : plan.interfaces) {
    const auto found = std::ranges::find(*present, interface.name, &Interface::name);
    if (found == present->end() || !found->up) continue;
    const bool whole = std::ranges::all_of(interface.routes, [&](const RoutePrefix& prefix) {
      return there.contains({.prefix = prefix, .interface_index = found->index});
    });
    if (auto done = lead_into(interface, found->index); !done) return std::unexpected{done.error()};
    if (!whole) laid.push_back(interface.name);
  }
  return laid;
}

Result<> clear_away(const Plan& plan) {
  const auto present = interfaces();
  if (!present) return std::unexpected{present.error()};
  std::set<Route> planned;
  std::set<PlacedAddress> addresses;
  for (const auto& prefix : plan.guards.remote) planned.insert({.prefix = prefix});
  for (const auto& prefix : plan.guards.routed) planned.insert({.prefix = prefix, .routed = true});
  for (const auto& interface : plan.interfaces) {
    const auto found = std::ranges::find(*present, interface.name, &Interface::name);
    if (found == present->end()) continue;
    for (const auto& prefix : interface.routes) planned.insert({.prefix = prefix, .interface_index = found->index});
    for (const auto& address : interface.addresses) addresses.insert({found->index, address});
  }
  for (const auto& interface : *present) {
    if (!interface.ours || plan.has_interface(interface.name)) continue;
    if (auto done = delete_interface(interface); !done) return done;
  }
  const auto placed = our_addresses();
  if (!placed) return std::unexpected{placed.error()};
  for (const auto& address : *placed) {
    if (addresses.contains(address)) continue;
    if (auto done = delete_address(address); !done) return done;
  }
  const auto routes = our_routes();
  if (!routes) return std::unexpected{routes.error()};
  for (const auto& route : *routes) {
    if (planned.contains(route)) continue;
    if (auto done = delete_route(route); !done) return done;
  }
  return {};
}

}  // namespace cloister::network
