#include "appliance/cloisterctl/completion.hpp"

#include <format>
#include <functional>
#include <iostream>
#include <string_view>
#include <vector>

#include "appliance/cloisterctl/print_json.hpp"

namespace cloister::cloisterctl {
namespace {

/// A word that a command takes at its place: a subcommand or an option.
struct Word {
  std::string text;
  std::string description;
};

std::vector<Word> words_of(const CLI::App& command) {
  std::vector<Word> words;
  for (const auto* subcommand : command.get_subcommands([](const CLI::App*) { return true; }))
    words.push_back({subcommand->get_name(), subcommand->get_description()});
  for (const auto* option : command.get_options()) {
    if (option->get_group().empty()) continue;  // as in the help, and for nobody to type
    for (const auto& name : option->get_lnames()) words.push_back({"--" + name, option->get_description()});
  }
  return words;
}

/// Calls `visit` for a command and all below it, each with its words from the program's name on: "psk generate".
void each_command(const CLI::App& command, const std::string& path,
                  const std::function<void(const std::string&, const CLI::App&)>& visit) {
  visit(path, command);
  for (const auto* subcommand : command.get_subcommands([](const CLI::App*) { return true; }))
    each_command(*subcommand, path.empty() ? subcommand->get_name() : path + " " + subcommand->get_name(), visit);
}

/// The options, of all commands, that a value follows, as alternatives of a shell pattern: a path is completed there.
std::string options_with_value(const CLI::App& app) {
  std::string alternatives;
  each_command(app, "", [&](const std::string&, const CLI::App& command) {
    for (const auto* option : command.get_options()) {
      if (option->get_items_expected_max() == 0) continue;
      for (const auto& name : option->get_lnames()) {
        const auto word = std::format("--{}", name);
        if (!("|" + alternatives + "|").contains("|" + word + "|"))
          alternatives += (alternatives.empty() ? "" : "|") + word;
      }
    }
  });
  return alternatives;
}

/// In single quotes, as both shells read it.
std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'')
      out += "'\\''";
    else
      out += c;
  }
  return out + "'";
}

/// The part that both shells share: which command the words so far name.
std::string command_finder(const CLI::App& app, std::string_view words, std::string_view first, std::string_view last) {
  std::string paths;
  each_command(app, "", [&](const std::string& path, const CLI::App&) {
    if (!path.empty()) paths += (paths.empty() ? "" : "|") + shell_quoted(path);
  });
  return std::format(R"(  local command='' word skip=
  for ((i = {1}; i < {2}; ++i)); do
    word=${{{0}[i]}}
    if [[ -n $skip ]]; then skip=; continue; fi
    case $word in
      {3}) skip=1 ;;
      -*) ;;
      *) case "${{command:+$command }}$word" in
           {4}) command="${{command:+$command }}$word" ;;
         esac ;;
    esac
  done
)",
                     words, first, last, options_with_value(app), paths);
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
  std::string cases;
  each_command(app, "", [&](const std::string& path, const CLI::App& command) {
    std::string words;
    for (const auto& word : words_of(command)) words += (words.empty() ? "" : " ") + word.text;
    cases += std::format("    {}) words={} ;;\n", shell_quoted(path), shell_quoted(words));
  });
  return std::format(R"(# bash completion for {0}; made by '{0} completion bash'
_{0}() {{
  local i current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} words=
{1}  case $previous in
    {2}) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  case $command in
{3}  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [[ ${{#COMPREPLY[@]}} -gt 0 || $current == -* ]] || COMPREPLY=($(compgen -f -- "$current"))
}}
complete -o filenames -F _{0} {0}
)",
                     app.get_name(), command_finder(app, "COMP_WORDS", "1", "COMP_CWORD"), options_with_value(app),
                     cases);
}

std::string zsh_completion(const CLI::App& app) {
  std::string cases;
  each_command(app, "", [&](const std::string& path, const CLI::App& command) {
    std::string words;
    for (const auto& [text, description] : words_of(command)) {
      std::string escaped;
      for (const char c : description) escaped += c == ':' ? "\\:" : std::string(1, c);
      words += std::format(" {}", shell_quoted(std::format("{}:{}", text, escaped)));
    }
    cases += std::format("    {}) choices=({} ) ;;\n", shell_quoted(path), words);
  });
  return std::format(R"(#compdef {0}
# zsh completion for {0}; made by '{0} completion zsh'
_{0}() {{
  local i
  local -a choices
{1}  case ${{words[CURRENT-1]}} in
    {2}) _files; return ;;
  esac
  case $command in
{3}  esac
  _describe -t commands '{0}' choices || _files
}}
compdef _{0} {0} 2>/dev/null || true
)",
                     app.get_name(), command_finder(app, "words", "2", "CURRENT"), options_with_value(app), cases);
}

namespace {

int print_completion(const CLI::App& app, const std::string& shell, bool json) {
  const CompletionScript completion{.shell = shell,
                                    .script = shell == "bash" ? bash_completion(app) : zsh_completion(app)};
  if (json)
    print_json(completion);
  else
    std::cout << completion.script;
  return 0;
}

}  // namespace

void offer_completion(CLI::App& app, Invocation& invocation) {
  const auto json = std::make_shared<bool>(false);
  auto* completion = app.add_subcommand("completion", "Print the completion script of a shell");
  completion->require_subcommand(1);
  auto* bash = completion->add_subcommand("bash", "For bash-completion, or to be sourced");
  auto* zsh = completion->add_subcommand("zsh", "For a directory of $fpath, as _cloisterctl");
  for (auto* shell : {bash, zsh}) {
    shell->add_flag("--json", *json, "For programs");
    invocation.on(shell, [&app, shell, json] { return print_completion(app, shell->get_name(), *json); });
  }
}

}  // namespace cloister::cloisterctl
