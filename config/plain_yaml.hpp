#pragma once
/// A configuration is plain YAML: one document, no anchors or aliases (a line means what it says where it stands), no
/// tags, and no deeper than a configuration can be. Looked at event by event, before anything is built from it.

#include <string_view>

#include "config/section.hpp"

namespace cloister::config {

/// Adds an error to `report` for each thing that is not plain. Throws YAML::Exception for what is no YAML.
void expect_plain_yaml(std::string_view text, Report& report);

}  // namespace cloister::config
