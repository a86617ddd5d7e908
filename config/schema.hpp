#pragma once
/// A JSON Schema (2020-12) of the configuration file, for editors, made from the same reading as the check itself.

#include <string>

#include "config/setting.hpp"

namespace cloister::config {

/// `settings` as all_settings() gives them.
[[nodiscard]] std::string json_schema(const Settings& settings);

}  // namespace cloister::config
