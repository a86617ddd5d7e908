#pragma once
/// `cloisterctl pcr-policy`: which states of the machine may open what its TPM has sealed: looked at, signed by the
/// operator's key (which stays elsewhere), and put where the box reads it. They work without the service.

#include "appliance/cloisterctl/invocation.hpp"

namespace cloister::cloisterctl {

void offer_pcr_policy(CLI::App& app, Invocation& invocation);

}  // namespace cloister::cloisterctl
