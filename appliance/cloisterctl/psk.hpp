#pragma once
/// `cloisterctl psk`: makes or takes over a bootstrap PSK and seals it in this box's TPM. It talks to the TPM itself;
/// the service is not asked. A sealed PSK cannot be shown.

#include "appliance/cloisterctl/invocation.hpp"

namespace cloister::cloisterctl {

void offer_psk(CLI::App& app, Invocation& invocation);

}  // namespace cloister::cloisterctl
