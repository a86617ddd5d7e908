#pragma once
/// Reads a configuration file: all errors at once, each with its place.

#include <expected>
#include <string>
#include <string_view>

#include "config/diagnostic.hpp"
#include "config/model.hpp"

namespace cloister::config {

/// `file_name` is for messages only. Errors come by ascending line.
[[nodiscard]] std::expected<Configuration, Diagnostics> parse(std::string_view text, const std::string& file_name);
[[nodiscard]] std::expected<Configuration, Diagnostics> load(const std::string& path);

}  // namespace cloister::config
