#pragma once
/// `cloisterctl tunnel`.

#include "appliance/cloisterctl/invocation.hpp"

namespace cloister::cloisterctl {

void offer_tunnel(CLI::App& app, Invocation& invocation);

}  // namespace cloister::cloisterctl
