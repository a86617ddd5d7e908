#pragma once
/// An error in a configuration file, with its place and remedy.

#include <string>
#include <string_view>
#include <vector>

#include "config/setting.hpp"

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

/// About a value of a setting, or the setting's first where it has not so many.
[[nodiscard]] Diagnostic diagnostic_at(const Setting& setting, std::size_t value, std::string message);

/// What a person may see of a text that may be anything.
[[nodiscard]] std::string shown(std::string_view text);

}  // namespace cloister::config
