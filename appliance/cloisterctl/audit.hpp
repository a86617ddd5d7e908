#pragma once
/// `cloisterctl audit`: the record of all events, and whether it is whole.

#include "appliance/cloisterctl/invocation.hpp"

namespace cloister::cloisterctl {

void offer_audit(CLI::App& app, Invocation& invocation);

}  // namespace cloister::cloisterctl
