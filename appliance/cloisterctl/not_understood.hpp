#pragma once
/// What a person is told whose command line is wrong, or who asks for help: which word it is, and what was meant.

#include <CLI/CLI.hpp>

namespace cloister::cloisterctl {

/// The program's exit status.
int not_understood(const CLI::App& app, const CLI::ParseError& error);

}  // namespace cloister::cloisterctl
