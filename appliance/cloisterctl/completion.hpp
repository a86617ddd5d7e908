#pragma once
/// `cloisterctl completion`: scripts for bash and zsh, written from the command line's own description.

#include <CLI/CLI.hpp>
#include <boost/describe/class.hpp>
#include <string>

#include "appliance/cloisterctl/invocation.hpp"

namespace cloister::cloisterctl {

struct CompletionScript {
  std::string shell;  // "bash", "zsh"
  std::string script;
};
BOOST_DESCRIBE_STRUCT(CompletionScript, (), (shell, script))

/// For ~/.local/share/bash-completion/completions/ or `source`.
[[nodiscard]] std::string bash_completion(const CLI::App& app);
/// For a directory of $fpath, as _cloisterctl; shows the descriptions too.
[[nodiscard]] std::string zsh_completion(const CLI::App& app);

/// Of all that the program offers when one is asked for.
void offer_completion(CLI::App& app, Invocation& invocation);

}  // namespace cloister::cloisterctl
