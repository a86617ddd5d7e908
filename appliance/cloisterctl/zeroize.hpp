#pragma once
/// `cloisterctl zeroize`: destroys all secrets of this box, by the service where it runs, else by itself.

#include "appliance/cloisterctl/invocation.hpp"

namespace cloister::cloisterctl {

void offer_zeroize(CLI::App& app, Invocation& invocation);

}  // namespace cloister::cloisterctl
