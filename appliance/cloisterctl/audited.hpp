#pragma once
/// What a command has done without the service is in the box's audit log all the same.

#include "appliance/control/status.hpp"
#include "config/model.hpp"

namespace cloister::cloisterctl {

/// Only where the service does not run: two writers would break the chain. What goes wrong is said on standard error.
void audit(const config::Configuration& configuration, const control::Event& event);

}  // namespace cloister::cloisterctl
