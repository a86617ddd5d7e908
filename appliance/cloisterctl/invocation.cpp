#include "appliance/cloisterctl/invocation.hpp"

#include <CLI/App.hpp>
#include <utility>

#include "crypto/crash.hpp"

namespace cloister::cloisterctl {

void Invocation::on(CLI::App* command, std::function<int()> run) {
  // The parser calls from the inside to the outside.
  command->final_callback([this, run = std::move(run)] {
    if (!chosen) chosen = run;
  });
}

void Invocation::on_with_secrets(CLI::App* command, std::function<int()> run) {
  on(command, [run = std::move(run)] {
    crypto::forbid_cores();
    return run();
  });
}

}  // namespace cloister::cloisterctl
