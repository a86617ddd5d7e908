#pragma once
/// What `status` says of a box whatever state it is in.

#include <string>

#include "appliance/box/event_log.hpp"
#include "appliance/control/status.hpp"

namespace cloister::box {

/// Without links and tunnels.
[[nodiscard]] control::BoxStatus status_of(const std::string& box, const std::string& state, const EventLog& log);

}  // namespace cloister::box
