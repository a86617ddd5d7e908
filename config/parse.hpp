#pragma once
/// Reads a configuration file: all errors at once, each with its place.

#include <expected>
#include <string>
#include <string_view>

#include "config/diagnostic.hpp"
#include "config/model.hpp"
#include "config/setting.hpp"

namespace cloister::config {

/// `file_name` is for messages only. Errors come by ascending line.
[[nodiscard]] std::expected<Configuration, Diagnostics> parse(std::string_view text, const std::string& file_name);
[[nodiscard]] std::expected<Configuration, Diagnostics> load(const std::string& path);
/// Every setting in force by a configuration file, those it leaves to their defaults too, in the file's order.
[[nodiscard]] std::expected<Settings, Diagnostics> parse_settings(std::string_view text, const std::string& file_name);
[[nodiscard]] std::expected<Settings, Diagnostics> load_settings(const std::string& path);
/// Every setting there is, for one link and one tunnel.
[[nodiscard]] Settings all_settings();

}  // namespace cloister::config
