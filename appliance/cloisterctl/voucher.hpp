#pragma once
/// `cloisterctl voucher`: this box's word for another's key, and what the words of others come to. The first talks to the TPM
/// itself; the second needs none.

#include "appliance/cloisterctl/invocation.hpp"

namespace cloister::cloisterctl {

void offer_voucher(CLI::App& app, Invocation& invocation);

}  // namespace cloister::cloisterctl
