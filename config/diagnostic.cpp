#include "config/diagnostic.hpp"

#include <format>

namespace cloister::config {

std::string to_string(const Diagnostic& diagnostic) {
  const std::string what = diagnostic.path.empty() ? diagnostic.message : diagnostic.path + ": " + diagnostic.message;
  if (diagnostic.line == 0) return std::format("{}: {}", diagnostic.file, what);
  std::string text = std::format("{}:{}:{}: {}", diagnostic.file, diagnostic.line, diagnostic.column, what);
  if (!diagnostic.source_line.empty()) {
    text += std::format("\n  {}\n  {}^", diagnostic.source_line,
                        std::string(static_cast<std::size_t>(diagnostic.column - 1), ' '));
  }
  return text;
}

}  // namespace cloister::config
