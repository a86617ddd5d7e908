#pragma once
/// `cloisterctl link bootstrap`: an operator lets a link bootstrap once, where that is left to him.

#include "appliance/cloisterctl/invocation.hpp"

namespace cloister::cloisterctl {

void offer_link_bootstrap(CLI::App& link, Invocation& invocation);

}  // namespace cloister::cloisterctl
