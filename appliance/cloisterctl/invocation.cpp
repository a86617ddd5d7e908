#include "appliance/cloisterctl/invocation.hpp"

#include <CLI/App.hpp>
#include <utility>

namespace cloister::cloisterctl {

void Invocation::on(CLI::App* command, std::function<int()> run) {
  // The parser calls from the inside to the outside.
  command->final_callback([this, run = std::move(run)] {
    if (!chosen) chosen = run;
  });
}

}  // namespace cloister::cloisterctl
