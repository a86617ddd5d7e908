#pragma once
/// An error in a configuration file, with its place and remedy.

#include <string>
#include <string_view>
#include <vector>

namespace cloister::config {

struct Diagnostic {
  std::string file;
  int line = 0;      // from 1; 0 when the file as a whole is meant
  int column = 0;    // from 1
  std::string path;  // "tunnels[1].local_subnets"
  std::string message;
  std::string source_line;
};

/// "cloister.yaml:14:9: tunnels[1].mtu: …", the line, and a caret under the column.
[[nodiscard]] std::string to_string(const Diagnostic& diagnostic);

using Diagnostics = std::vector<Diagnostic>;

/// What a person may see of a text that may be anything.
[[nodiscard]] std::string shown(std::string_view text);

}  // namespace cloister::config
