#pragma once
/// What a command line has chosen. Each group of commands offers itself by a function offer_…, which describes the words and
/// options to the parser and says what is run when they are chosen; the options live as long as that.

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace cloister::cloisterctl {

struct Invocation {
  std::string socket = "/run/cloister/control.sock";
  /// Gives the program's exit status.
  std::function<int()> chosen;

  /// Of a command within a command the inner one counts.
  void on(CLI::App* command, std::function<int()> run);
  /// Its memory has secrets: it leaves no core.
  void on_with_secrets(CLI::App* command, std::function<int()> run);
};

}  // namespace cloister::cloisterctl
