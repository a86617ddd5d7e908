#pragma once
/// `cloisterctl reload`: the service takes up what its configuration file now says; shows what has changed.

#include "appliance/cloisterctl/invocation.hpp"

namespace cloister::cloisterctl {

void offer_reload(CLI::App& app, Invocation& invocation);

}  // namespace cloister::cloisterctl
