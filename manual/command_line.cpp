#include "manual/command_line.hpp"

#include <algorithm>
#include <format>

namespace cloister::manual {
namespace {

std::string sentence(std::string text) {
  if (!text.empty() && !text.ends_with('.')) text += '.';
  return text;
}

/// CLI11 writes a limit behind the type: "FLOAT:FLOAT in [0.1 - 3600]", "TEXT:{random,z}".
std::string limit_of(const std::string& type) {
  const auto colon = type.find(':');
  if (colon == std::string::npos) return {};
  std::string limit = type.substr(colon + 1);
  if (const auto range = limit.find(" in ["); range != std::string::npos) return "In " + limit.substr(range + 4);
  if (!limit.starts_with('{')) return limit;
  std::string words;
  for (const char c : limit.substr(1, limit.size() - 2)) words += c == ',' ? std::string{", "} : std::string(1, c);
  return "One of " + words;
}

Argument argument_of(const CLI::Option& option) {
  Argument argument;
  argument.option = !option.get_positional();
  for (const auto& name : option.get_snames()) argument.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) argument.names.push_back("--" + name);
  if (!argument.option) argument.names = {option.get_name(true)};
  const std::string type = option.get_type_name();
  if (option.get_items_expected_max() > 0) argument.value = type.substr(0, type.find(':'));
  argument.meaning = sentence(option.get_description());
  if (const auto limit = limit_of(type); !limit.empty()) argument.meaning += " " + sentence(limit);
  if (const auto given = option.get_default_str(); !given.empty() && given != "\"\"")
    argument.meaning += std::format(" Default: {}.", given);
  argument.required = option.get_required();
  argument.repeats = option.get_items_expected_max() > 1;
  return argument;
}

void add(const CLI::App& app, const std::string& path, std::vector<Command>& commands) {
  Command command{.path = path, .meaning = sentence(app.get_description()), .arguments = {}};
  for (const auto* option : app.get_options()) {
    if (!option->get_group().empty() && option != app.get_help_ptr()) command.arguments.push_back(argument_of(*option));
  }
  const auto below = app.get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); });
  command.has_commands = !below.empty();
  command.needs_command = app.get_require_subcommand_min() > 0;
  commands.push_back(std::move(command));
  for (const auto* one : below) add(*one, path + " " + one->get_name(), commands);
}

}  // namespace

std::vector<Command> commands_of(const CLI::App& app) {
  std::vector<Command> commands;
  add(app, app.get_name(), commands);
  return commands;
}

std::string synopsis(const Command& command) {
  std::string line = command.path;
  const auto& arguments = command.arguments;
  if (std::ranges::any_of(arguments, [](const Argument& one) { return one.option && !one.required; }))
    line += " [OPTIONS]";
  for (const auto& argument : arguments) {
    if (argument.option) {
      if (argument.required) line += std::format(" {} {}", argument.names.back(), argument.value);
      continue;
    }
    const std::string name = argument.names.front() + (argument.repeats ? "..." : "");
    line += argument.required ? " " + name : std::format(" [{}]", name);
  }
  if (!command.has_commands) return line;
  return line + (command.needs_command ? " COMMAND ..." : " [COMMAND ...]");
}

}  // namespace cloister::manual
