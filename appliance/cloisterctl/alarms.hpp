#pragma once
/// `cloisterctl alarm`: what stands now, and that somebody has taken note.

#include "appliance/cloisterctl/invocation.hpp"

namespace cloister::cloisterctl {

void offer_alarm(CLI::App& app, Invocation& invocation);

}  // namespace cloister::cloisterctl
