#include "manual/manual.hpp"

#include <cctype>
#include <format>

#include "manual/command_line.hpp"
#include "manual/roff.hpp"

namespace cloister::manual {
namespace {

/// For the line after "name -": no capital, no full stop.
std::string phrase(std::string text) {
  if (text.ends_with('.')) text.pop_back();
  if (!text.empty()) text.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(text.front())));
  return text;
}

std::string tag(const Argument& argument) {
  std::string tag;
  for (const auto& name : argument.names) tag += (tag.empty() ? "" : ", ") + bold(name);
  return argument.option && !argument.value.empty() ? std::format("{} \\fI{}\\fR", tag, roff(argument.value)) : tag;
}

std::string arguments_page(const Command& command) {
  std::string page;
  for (const auto& argument : command.arguments) page += tagged(tag(argument), argument.meaning);
  return page;
}

std::string entries_page(std::string_view title, const std::vector<Entry>& entries) {
  if (entries.empty()) return {};
  std::string page = heading(title);
  for (const auto& [term, meaning] : entries) page += tagged(bold(term), meaning);
  return page;
}

std::string list_item(const Argument& argument) {
  std::string names;
  for (const auto& name : argument.names) {
    const bool value_follows = argument.option && !argument.value.empty() && name == argument.names.back();
    names += std::format("{}`{}{}`", names.empty() ? "" : ", ", name, value_follows ? " " + argument.value : "");
  }
  return std::format("- {}: {}\n", names, argument.meaning);
}

}  // namespace

std::string man_page(const CLI::App& app, const Program& program) {
  const auto commands = commands_of(app);
  const auto& whole = commands.front();
  std::string page = page_title(whole.path, program.section) + heading("name") +
                     std::format("{} \\- {}\n", roff(whole.path), roff(phrase(whole.meaning))) + heading("synopsis") +
                     std::format("{}\n", roff(synopsis(whole))) + heading("description") +
                     paragraphs(program.description);
  page += heading("options") + arguments_page(whole) +
          tagged(bold("-h") + ", " + bold("--help"), "Say how to call the program, or the command before it.");
  if (whole.has_commands) page += heading("commands");
  for (const auto& command : commands) {
    if (&command == &whole) continue;
    page += subheading(synopsis(command));
    if (!command.meaning.empty()) page += roff(command.meaning) + "\n";
    page += arguments_page(command);
  }
  page += entries_page("exit status", program.exit_status) + entries_page("files", program.files);
  if (program.see_also.empty()) return page;
  page += heading("see also");
  for (const auto& name : program.see_also)
    page += std::format("{}{}\n", roff(name), name == program.see_also.back() ? "" : ",");
  return page;
}

std::string markdown(const CLI::App& app, const Program& program) {
  std::string page;
  for (const auto& command : commands_of(app)) {
    const bool whole = page.empty();
    page += std::format("{} {}\n\n", whole ? "##" : "\n###", command.path);
    if (!command.meaning.empty()) page += command.meaning + "\n\n";
    if (whole) {
      for (const auto& text : program.description) page += text + "\n\n";
    }
    page += std::format("    {}\n", synopsis(command));
    if (!command.arguments.empty()) page += '\n';
    for (const auto& argument : command.arguments) page += list_item(argument);
    if (!whole) continue;
    page += "\nExit status:";
    for (const auto& [status, meaning] : program.exit_status)
      page += std::format("{} {} {}", status == program.exit_status.front().term ? "" : ";", status, meaning);
    page += ".\n";
  }
  return page;
}

void offer(CLI::App& app, const Program& program) {
  app.add_option_function<std::string>(
         "--manual",
         [&app, &program](const std::string& format) {
           std::string page = format == "man" ? man_page(app, program) : markdown(app, program);
           page.pop_back();  // App::exit() ends the line
           throw CLI::CallForVersion(page, 0);
         },
         "Print the manual")
      ->check(CLI::IsMember({"man", "markdown"}))
      ->trigger_on_parse()
      ->group("");
}

}  // namespace cloister::manual
