#include "appliance/cloisterctl/reload.hpp"

#include <format>
#include <iostream>

#include "appliance/cloisterctl/failed.hpp"
#include "appliance/cloisterctl/print_json.hpp"
#include "appliance/control/client.hpp"

namespace cloister::cloisterctl {

int reload(const std::string& socket, bool json) {
  const auto changes = control::reload(socket);
  if (!changes) return failed(changes.error());
  if (json) {
    print_json(*changes);
  } else if (changes->empty()) {
    std::cout << "nothing has changed\n";
  } else {
    for (const auto& change : *changes)
      std::cout << std::format("{}: {} → {}\n", change.path, change.before.empty() ? "none" : change.before,
                               change.after.empty() ? "none" : change.after);
  }
  return number(ExitStatus::done);
}

}  // namespace cloister::cloisterctl
