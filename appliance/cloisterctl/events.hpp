#pragma once
/// `cloisterctl events`: what happened, and what it means.

#include "appliance/cloisterctl/invocation.hpp"

namespace cloister::cloisterctl {

void offer_events(CLI::App& app, Invocation& invocation);

}  // namespace cloister::cloisterctl
