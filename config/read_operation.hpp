#pragma once
/// The sections of those who run a box: `alarms` and `logging`.

#include <span>
#include <string_view>
#include <vector>

#include "config/model.hpp"
#include "config/section.hpp"

namespace cloister::config {

/// Sorted. The other alarms may tell of an attack, or of a record or a test that this box cannot rely on.
[[nodiscard]] std::span<const std::string_view> alarms_to_ignore();

[[nodiscard]] Alarms read_alarms(Section section, const std::vector<Tunnel>& tunnels);
[[nodiscard]] Logging read_logging(Section section);

}  // namespace cloister::config
