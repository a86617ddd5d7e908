#pragma once
/// `cloisterctl zeroize`: destroys all secrets of this box, by the service where it runs, else by itself.

#include <string>

namespace cloister::cloisterctl {

struct ZeroizeOptions {
  std::string socket;
  std::string configuration = "/etc/cloister/cloister.yaml";
  bool yes = false;   // do not ask
  bool json = false;  // for programs
};
/// The program's exit status.
int zeroize(const ZeroizeOptions& options);

}  // namespace cloister::cloisterctl
