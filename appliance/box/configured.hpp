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

}  // namespace cloister::box
