#pragma once
/// What each key of the configuration file is for: what the reference page, cloister.yaml(5) and the JSON Schema say of
/// it. A test holds the table to the keys that are read.

#include <span>
#include <string_view>

namespace cloister::config {

struct Meaning {
  std::string_view key;  // "links.device.role"
  std::string_view meaning;
};

[[nodiscard]] std::span<const Meaning> meanings();
/// Of a setting's path, as "links[0].device.role"; empty: the table has none.
[[nodiscard]] std::string_view meaning_of(std::string_view path);

}  // namespace cloister::config
