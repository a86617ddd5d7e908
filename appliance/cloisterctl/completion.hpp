#pragma once
/// `cloisterctl completion`: scripts for bash and zsh, written from the command line's own description.

#include <CLI/CLI.hpp>
#include <string>

namespace cloister::cloisterctl {

/// For ~/.local/share/bash-completion/completions/ or `source`.
[[nodiscard]] std::string bash_completion(const CLI::App& app);
/// For a directory of $fpath, as _cloisterctl; shows the descriptions too.
[[nodiscard]] std::string zsh_completion(const CLI::App& app);

}  // namespace cloister::cloisterctl
