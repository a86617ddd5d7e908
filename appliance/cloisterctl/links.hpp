#pragma once
/// `cloisterctl link`: with `list` and `show`, and the commands of link_bootstrap.hpp and link_plan.hpp.

#include "appliance/cloisterctl/invocation.hpp"

namespace cloister::cloisterctl {

void offer_link(CLI::App& app, Invocation& invocation);

}  // namespace cloister::cloisterctl
