#pragma once
/// A file's text and its name.

#include <cstddef>
#include <expected>
#include <string>

#include "config/diagnostic.hpp"

namespace cloister::config {

inline constexpr std::size_t text_bytes_max = std::size_t{1} << 20U;  // of all files together

struct TextFile {
  std::string name;  // for messages
  std::string text;
};

/// The text of a file, or why it cannot be had. What is longer than `text_bytes_max` is cut a byte behind it. A pipe is
/// read too, as a shell's '<(command)', but not waited for without end.
[[nodiscard]] std::expected<std::string, Diagnostics> text_of(const std::string& path);

}  // namespace cloister::config
