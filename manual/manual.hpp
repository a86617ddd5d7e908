#pragma once
/// A program's manual, made from its command line as CLI11 holds it, so that neither a command nor an option can be
/// missing: as a page for man(1), and as a part of docs/reference/commands.md.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace cloister::manual {

struct Entry {
  std::string term;  // "0", "/etc/cloister/cloister.yaml"
  std::string meaning;
};

/// What a command line does not say of itself.
struct Program {
  int section = 1;                       // of the manual: 1 commands, 8 services
  std::vector<std::string> description;  // paragraphs
  std::vector<Entry> exit_status;
  std::vector<Entry> files = {};
  std::vector<std::string> see_also = {};  // "cloister.yaml(5)"
};

/// Adds the option `--manual man|markdown`, which prints a page and ends the program. It is for the build and not in
/// the help. Parsing throws the page as CLI11 throws the text of `--help`; App::exit() prints it. `program` must live
/// until then.
void offer(CLI::App& app, const Program& program);
void offer(CLI::App& app, Program&& program) = delete;

[[nodiscard]] std::string man_page(const CLI::App& app, const Program& program);
[[nodiscard]] std::string markdown(const CLI::App& app, const Program& program);

}  // namespace cloister::manual
