#include "config/diagnostic.hpp"

#include <algorithm>
#include <format>
#include <utility>

namespace cloister::config {

namespace {

/// A key that somebody has typed in where none belongs must not go on into a journal: of many hexadecimal digits in a
/// row the first are left.
std::string without_keys(std::string_view text) {
  constexpr std::size_t digits_max = 31, digits_left = 8;
  constexpr std::string_view digits = "0123456789abcdefABCDEF";
  std::string out;
  while (!text.empty()) {
    const auto run = std::min(text.find_first_not_of(digits), text.size());
    out += text.substr(0, run > digits_max ? digits_left : run);
    if (run > digits_max) out += "...";
    text.remove_prefix(run);
    const auto between = std::min(text.find_first_of(digits), text.size());
    out += text.substr(0, between);
    text.remove_prefix(between);
  }
  return out;
}

}  // namespace

std::string shown(std::string_view text) {
  constexpr std::size_t shown_max = 60;
  const auto open = without_keys(text);
  std::string out;
  for (const char character : open.substr(0, shown_max))
    out += static_cast<unsigned char>(character) < 0x20 || character == 0x7F ? '?' : character;
  return open.size() > shown_max ? out + "..." : out;
}

Diagnostic diagnostic_at(const Setting& setting, std::size_t value, std::string message) {
  if (setting.places.empty())
    return {.file = {}, .path = setting.path, .message = std::move(message), .source_line = {}};
  const auto& place = setting.places[value < setting.places.size() ? value : 0];
  return {place.file, place.line, place.column, setting.path, std::move(message), place.source_line};
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
