#pragma once
/// Makes the kernel's network what a plan says. All of it outlives this process and the service, and may be made again at
/// any time: what is right already is left alone.
///
/// In order, so that no red packet leaves in clear at any moment: the packet filter, replaced in one transaction; routes of
/// last resort; then interfaces and the routes into them. What is planned no longer goes last, and only once the service
/// uses it no more.

#include <sys/types.h>

#include <string>
#include <vector>

#include "appliance/network/plan.hpp"
#include "crypto/error.hpp"

namespace cloister::network {

/// What keeps red packets from leaving in clear, and strangers from the red side.
[[nodiscard]] Result<> lay_guards(const Guards& guards);
/// What of them the kernel still has from an earlier life of this program: far subnets and interfaces. What is behind
/// this box it does not say.
[[nodiscard]] Result<Guards> standing_guards(const std::vector<RoutePrefix>& behind);
/// The tunnels' interfaces, which belong to `owner`, and the routes into them.
[[nodiscard]] Result<> lay_paths(const Plan& plan, uid_t owner);
/// What the kernel has taken from interfaces that were down, of those that are up again: routes, and addresses of IPv6. Those
/// that are down stay so. Says of which interfaces.
[[nodiscard]] Result<std::vector<std::string>> lay_lost_routes(const Plan& plan);
/// Takes away interfaces and routes that were made here, and that the plan does not have.
[[nodiscard]] Result<> clear_away(const Plan& plan);

}  // namespace cloister::network
