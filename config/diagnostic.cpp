#include "config/diagnostic.hpp"

#include <format>

namespace cloister::config {

std::string shown(std::string_view text) {
  constexpr std::size_t shown_max = 60;
  std::string out;
  for (const char character : text.substr(0, shown_max))
    out += static_cast<unsigned char>(character) < 0x20 || character == 0x7F ? '?' : character;
  return text.size() > shown_max ? out + "..." : out;
}

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
