#pragma once
/// What a person is told whose command line is wrong, or who asks for help: which word it is, and what was meant.

#include <CLI/CLI.hpp>

namespace cloister::manual {

/// The program's exit status: 0 for help, 2 for what is wrong.
[[nodiscard]] int not_understood(const CLI::App& app, const CLI::ParseError& error);

}  // namespace cloister::manual
