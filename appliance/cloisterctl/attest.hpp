#pragma once
/// `cloisterctl attest`: the TPM's signed word on what this machine has started, for `cloister-verify` elsewhere. It works
/// without the service.

#include "appliance/cloisterctl/invocation.hpp"

namespace cloister::cloisterctl {

void offer_attest(CLI::App& app, Invocation& invocation);

}  // namespace cloister::cloisterctl
