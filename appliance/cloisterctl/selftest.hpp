#pragma once
/// `cloisterctl selftest`: has the service test itself.

#include <string>

namespace cloister::cloisterctl {

/// A line for each test. The exit status says whether all passed.
int selftest(const std::string& socket, bool json);

}  // namespace cloister::cloisterctl
