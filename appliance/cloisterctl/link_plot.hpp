#pragma once
/// The plan as a plot: secret key rate against distance, on a logarithmic scale, as SVG.

#include <string>

#include "appliance/cloisterctl/link_plan.hpp"

namespace cloister::cloisterctl {

[[nodiscard]] std::string plot_of(const LinkReport& report);

}  // namespace cloister::cloisterctl
