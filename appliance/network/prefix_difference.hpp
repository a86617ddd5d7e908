#pragma once
/// Prefixes less others, as prefixes again.

#include <vector>

#include "appliance/network/routes.hpp"

namespace cloister::network {

/// What is in one of `all` and in none of `holes`. A hole within a prefix leaves as many prefixes of it as it is
/// longer.
[[nodiscard]] std::vector<RoutePrefix> difference(const std::vector<RoutePrefix>& all,
                                                  const std::vector<RoutePrefix>& holes);

}  // namespace cloister::network
