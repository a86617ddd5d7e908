#pragma once
/// How a command of cloisterctl says that it failed.

#include <iostream>
#include <string>

namespace cloister::cloisterctl {

/// The program's exit status.
inline int failed(const std::string& message) {
  std::cerr << "cloisterctl: " << message << '\n';
  return 1;
}

}  // namespace cloister::cloisterctl
