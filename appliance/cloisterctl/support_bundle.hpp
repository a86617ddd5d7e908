#pragma once
/// `cloisterctl support-bundle`: what somebody who helps from afar needs to know, in one file, and no secret.
///
/// Each piece comes from a list in support_pieces.cpp; no directory is copied. What this user may not read, or this
/// system has not, is left out, and the manifest says so and why.

#include "appliance/cloisterctl/invocation.hpp"

namespace cloister::cloisterctl {

void offer_support_bundle(CLI::App& app, Invocation& invocation);

}  // namespace cloister::cloisterctl
