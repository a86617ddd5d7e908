#pragma once
/// What is no mistake in a configuration, but would surprise whoever did not mean it: `config check` says it.

#include <string>
#include <vector>

#include "config/model.hpp"

namespace cloister::config {

[[nodiscard]] std::vector<std::string> notes_on(const Configuration& configuration);

}  // namespace cloister::config
