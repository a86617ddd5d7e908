#include "appliance/cloisterctl/reload.hpp"

#include <CLI/CLI.hpp>
#include <format>
#include <iostream>
#include <memory>
#include <string>

#include "appliance/cloisterctl/failed.hpp"
#include "appliance/cloisterctl/print_json.hpp"
#include "appliance/control/client.hpp"

namespace cloister::cloisterctl {
namespace {

int take_up(const std::string& socket, bool json) {
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

}  // namespace

void offer_reload(CLI::App& app, Invocation& invocation) {
  const auto json = std::make_shared<bool>(false);
  auto* reload = app.add_subcommand(
      "reload", "Take up the changed configuration file; a bad one is refused whole, what did not change goes on");
  reload->add_flag("--json", *json, "For programs");
  invocation.on(reload, [&invocation, json] { return take_up(invocation.socket, *json); });
}

}  // namespace cloister::cloisterctl
