#include "appliance/cloisterctl/agreed.hpp"

#include <unistd.h>

#include <format>
#include <iostream>

namespace cloister::cloisterctl {

Result<> agreed(const Consent& consent) {
  if (::isatty(STDIN_FILENO) == 0)
    return fail(
        std::format("{} asks on a terminal, and standard input is none: say --yes if it is meant", consent.command));
  std::cerr << std::format("{} Type '{}' to go on: ", consent.about, consent.word) << std::flush;
  std::string typed;
  std::getline(std::cin, typed);
  return typed == consent.word ? Result<>{} : fail(consent.refused);
}

}  // namespace cloister::cloisterctl
