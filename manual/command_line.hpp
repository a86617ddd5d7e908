#pragma once
/// A command line as CLI11 holds it, in the words of a manual.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace cloister::manual {

struct Argument {
  std::vector<std::string> names;  // "-f", "--follow"; of an argument without a dash its one name
  std::string value;               // "FLOAT"; empty: none follows
  std::string meaning;             // with default and limits, as one or two sentences
  bool option = true;
  bool required = false;
  bool repeats = false;
};

struct Command {
  std::string path;  // "cloisterctl psk generate"
  std::string meaning;
  std::vector<Argument> arguments;  // without --help, which each has
  bool has_commands = false;
  bool needs_command = false;  // it does nothing by itself
};

/// A program and all commands below it, each after the one that it belongs to.
[[nodiscard]] std::vector<Command> commands_of(const CLI::App& app);

/// "cloisterctl psk generate [OPTIONS] --output TEXT"
[[nodiscard]] std::string synopsis(const Command& command);

}  // namespace cloister::manual
