#pragma once
/// Reads a configuration file, and what conf.d beside it adds: all errors at once, each with its place.

#include <expected>
#include <string>
#include <vector>

#include "config/diagnostic.hpp"
#include "config/model.hpp"
#include "config/setting.hpp"
#include "config/text_file.hpp"

namespace cloister::config {

/// A configuration, and every setting in force by it, those it leaves to their defaults too, in the files' order. Errors
/// come by file and ascending line.
struct Whole {
  Configuration configuration;
  Settings settings;
};
[[nodiscard]] std::expected<Whole, Diagnostics> parse_whole(const std::vector<TextFile>& files);
[[nodiscard]] std::expected<Whole, Diagnostics> load_whole(const std::string& path);
// Of it, what is wanted.
[[nodiscard]] std::expected<Configuration, Diagnostics> parse(const std::vector<TextFile>& files);
[[nodiscard]] std::expected<Configuration, Diagnostics> load(const std::string& path);
[[nodiscard]] std::expected<Settings, Diagnostics> parse_settings(const std::vector<TextFile>& files);
[[nodiscard]] std::expected<Settings, Diagnostics> load_settings(const std::string& path);
/// Its 'tpm' alone, whatever else is there, or is not: who seals a secret may come before the rest of the configuration. One
/// without it must be right as a whole: a 'tpm' that is misspelt does not seal to nothing.
[[nodiscard]] std::expected<Tpm, Diagnostics> load_tpm(const std::string& path);
/// Every setting there is, for one link and one tunnel.
[[nodiscard]] Settings all_settings();

}  // namespace cloister::config
