#pragma once
/// `cloisterctl link bootstrap`: an operator lets a link bootstrap once, where that is left to him.

#include <string>

namespace cloister::cloisterctl {

struct LinkBootstrapOptions {
  std::string socket;
  std::string link;
  bool yes = false;   // do not ask
  bool json = false;  // for programs
};
/// The program's exit status.
int link_bootstrap(const LinkBootstrapOptions& options);

}  // namespace cloister::cloisterctl
