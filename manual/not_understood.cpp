#include "manual/not_understood.hpp"

#include <algorithm>
#include <format>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "config/nearest.hpp"

namespace cloister::manual {
namespace {

constexpr int wrong_command_line = 2;

/// The command that the words so far name.
struct Command {
  const CLI::App* app;
  std::string path;  // "cloisterctl psk"
};

Command command_of(const CLI::App& app) {
  Command command{&app, app.get_name()};
  while (!command.app->get_subcommands().empty()) {
    command.app = command.app->get_subcommands().front();
    command.path += " " + command.app->get_name();
  }
  return command;
}

std::vector<std::string> subcommands_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const auto* subcommand : command.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(subcommand->get_name());
  return names;
}

/// Its own and those of the program, which stand behind any command.
std::vector<std::string> options_of(const CLI::App& app, const CLI::App& command) {
  std::vector<std::string> names;
  for (const auto* of : {&command, &app}) {
    for (const auto* option : of->get_options())
      for (const auto& name : option->get_lnames())
        // What has no group is not for users; '--help' is everywhere.
        if (!option->get_group().empty() && !std::ranges::contains(names, "--" + name)) names.push_back("--" + name);
  }
  return names;
}

std::string list_of(const std::vector<std::string>& names) {
  std::string list;
  for (const auto& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

std::string refuse(const CLI::App& app, const std::string& word, const Command& command) {
  const bool option = word.starts_with('-');
  const auto names = option ? options_of(app, *command.app) : subcommands_of(*command.app);
  const auto meant = config::nearest(word, names);
  const auto what = option ? "option" : names.empty() ? "argument of it" : "command";
  return std::format("'{}' is no {}{}", word, what,
                     meant           ? ": did you mean '" + *meant + "'?"
                     : names.empty() ? "; its options are: " + list_of(options_of(app, *command.app))
                                     : "; there are: " + list_of(names));
}

/// "Could not convert: --count = -1", in words.
std::string refuse_value(std::string_view problem) {
  constexpr std::string_view before = "Could not convert: ", between = " = ";
  const auto at = problem.find(between);
  if (!problem.starts_with(before) || at == std::string_view::npos) return std::string{problem};
  return std::format("'{}' is no value of {}", problem.substr(at + between.size()),
                     problem.substr(before.size(), at - before.size()));
}

}  // namespace

int not_understood(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);  // help or the version was asked for
  const auto command = command_of(app);
  const auto words = app.remaining(true);
  const auto names = subcommands_of(*command.app);
  const bool missing = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
  std::cerr << command.path << ": ";
  if (!words.empty())
    // CLI11 may have put what has no '-' first.
    std::cerr << refuse(app,
                        *std::ranges::max_element(words, {}, [](const auto& word) { return word.starts_with('-'); }),
                        command)
              << '\n';
  else if (missing && !names.empty())
    std::cerr << std::format("say what: {} (see '{} --help')\n", list_of(names), command.path);
  else
    std::cerr << std::format("{} (see '{} --help')\n", refuse_value(error.what()), command.path);
  return wrong_command_line;
}

}  // namespace cloister::manual
