#pragma once
/// What keeps red packets from leaving in clear, and strangers from the red side, whether the service runs or not: routes
/// of last resort and the packet filter, made from the configuration alone. Both outlive the service.

#include "appliance/drivers/netlink.hpp"
#include "config/model.hpp"
#include "crypto/error.hpp"

namespace cloister::box {

[[nodiscard]] drivers::RoutePrefix route_of(const config::Prefix& prefix);
[[nodiscard]] Result<> lay_guards(const config::Configuration& configuration);

}  // namespace cloister::box
