#pragma once
/// `cloisterctl account`: anyone can recompute a block. The formulas are those of the running link.

#include <istream>
#include <ostream>

#include "appliance/cloisterctl/invocation.hpp"
#include "crypto/error.hpp"

namespace cloister::cloisterctl {

/// Reads accounts, JSON objects one after the other (a log has one on each line), and prints for each a line with its
/// length and bounds. Stops at the first that is not JSON or makes no sense, and says which and why.
[[nodiscard]] Result<> recompute_accounts(std::istream& in, std::ostream& out);

void offer_account(CLI::App& app, Invocation& invocation);

}  // namespace cloister::cloisterctl
