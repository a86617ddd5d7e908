#pragma once
/// `cloisterctl status` and `watch`: the whole box, once or again and again.

#include "appliance/cloisterctl/invocation.hpp"

namespace cloister::cloisterctl {

void offer_status(CLI::App& app, Invocation& invocation);

}  // namespace cloister::cloisterctl
