#pragma once
/// `cloisterctl config`: looks at configuration files; needs no running service and no privilege.

#include "appliance/cloisterctl/invocation.hpp"

namespace cloister::cloisterctl {

void offer_config(CLI::App& app, Invocation& invocation);

}  // namespace cloister::cloisterctl
