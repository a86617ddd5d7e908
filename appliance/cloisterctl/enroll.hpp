#pragma once
/// `cloisterctl enroll` and `fingerprint`: this box's key, sealed in its TPM, and what the peer's operator is told of it.
/// They talk to the TPM themselves; the private key cannot be shown.

#include "appliance/cloisterctl/invocation.hpp"

namespace cloister::cloisterctl {

void offer_enroll(CLI::App& app, Invocation& invocation);

}  // namespace cloister::cloisterctl
