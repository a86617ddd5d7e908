#pragma once
/// `cloisterctl reload`: the service takes up what its configuration file now says.

#include <string>

namespace cloister::cloisterctl {

/// Says what has changed. Returns the program's exit status.
[[nodiscard]] int reload(const std::string& socket, bool json);

}  // namespace cloister::cloisterctl
