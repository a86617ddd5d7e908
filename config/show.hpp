#pragma once
/// Settings for people: as a file that says everything, and as what differs between two files.

#include <string>
#include <vector>

#include "config/setting.hpp"

namespace cloister::config {

/// YAML that holds every setting; what the original leaves to its default is marked by a comment.
[[nodiscard]] std::string to_yaml(const Settings& settings);

struct Difference {
  std::string path;    // links and tunnels by name: "tunnels[office].mtu"
  std::string before;  // as YAML; empty when only the other one has it
  std::string after;
};

/// What is in force by one and not, or otherwise, by the other; in the order of `before`.
[[nodiscard]] std::vector<Difference> differences(const Settings& before, const Settings& after);

}  // namespace cloister::config
