#pragma once
/// `cloisterctl update`: a newer version of the appliance image, beside the one that runs (docs/image.md).

#include "appliance/cloisterctl/invocation.hpp"

namespace cloister::cloisterctl {

void offer_update(CLI::App& app, Invocation& invocation);

}  // namespace cloister::cloisterctl
