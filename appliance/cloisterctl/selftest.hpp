#pragma once
/// `cloisterctl selftest`: has the service test itself, and shows a line for each test. The exit status says whether all passed.

#include "appliance/cloisterctl/invocation.hpp"

namespace cloister::cloisterctl {

void offer_selftest(CLI::App& app, Invocation& invocation);

}  // namespace cloister::cloisterctl
