#pragma once
/// Whether what is printed may be coloured.

#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace cloister::cloisterctl {

/// On a terminal that can, and not where NO_COLOR is set to anything (https://no-color.org).
[[nodiscard]] inline bool colours_wanted() {
  const char* unwanted = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) != 0 && (unwanted == nullptr || *unwanted == 0) &&
         (terminal == nullptr || std::string_view{terminal} != "dumb");
}

}  // namespace cloister::cloisterctl
