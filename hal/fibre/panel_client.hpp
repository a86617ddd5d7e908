#pragma once
/// `cloister-fibre ctl`: asks a running fibre one thing.

#include <string>

#include "crypto/error.hpp"

namespace cloister::hal::fibre {

/// Sends `request` and returns the answer, both one line of JSON without its newline. Waits at most five seconds.
[[nodiscard]] Result<std::string> ask(const std::string& control_path, const std::string& request);

}  // namespace cloister::hal::fibre
