#pragma once
/// conf.d: the files that stand beside a configuration file and add to it.

#include <expected>
#include <string>
#include <vector>

#include "config/diagnostic.hpp"

namespace cloister::config {

struct Ignored {
  std::string file;
  std::string reason;  // "its name does not end in '.yaml'"
};

struct Neighbours {
  std::vector<std::string> taken;  // paths, by their names' bytes
  std::vector<Ignored> ignored;    // whatever else is there and not hidden
};

/// What is in the directory `conf.d` beside a file; nothing where there is no such directory. One that cannot be looked
/// into is an error: it may hold a tunnel.
[[nodiscard]] std::expected<Neighbours, Diagnostics> neighbours_of(const std::string& path);

}  // namespace cloister::config
