#pragma once
/// From the YAML document to the model, with every check that can be made before the service starts.

#include <yaml-cpp/yaml.h>

#include "config/model.hpp"
#include "config/section.hpp"

namespace cloister::config {

/// What is wrong is in the report; the model is then not to be used.
[[nodiscard]] Configuration read_model(Report& report, const YAML::Node& document);
/// Of it 'tpm', whatever else is there; where it is not there, all must be right.
[[nodiscard]] Tpm read_tpm_alone(Report& report, const YAML::Node& document);

}  // namespace cloister::config
