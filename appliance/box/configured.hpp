#pragma once
/// A configuration as it was read from its file.

#include <string>

#include "config/model.hpp"
#include "config/setting.hpp"
#include "crypto/error.hpp"

namespace cloister::box {

struct Configured {
  std::string file;  // its path
  config::Configuration configuration;
  config::Settings settings;  // the same, setting by setting
};

/// An error holds all that is wrong in it, each with its place.
[[nodiscard]] Result<Configured> read_configuration(const std::string& file);

/// SHA-256 of what 'cloisterctl config show' prints of it: for the audit log, so that a change of the configuration
/// shows there whoever made it.
[[nodiscard]] std::string digest_of(const config::Settings& settings);

}  // namespace cloister::box
