#pragma once
/// The mistakes that can be put into the engines, by name, and which of them are in. Each thread has its own.

#include <bitset>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "appliance/hooks/simulation_hooks.hpp"

namespace cloister::simulation {

using hooks::PlantedBug;
using Bugs = std::bitset<static_cast<std::size_t>(PlantedBug::end)>;

[[nodiscard]] std::string_view name_of(PlantedBug bug);
[[nodiscard]] std::optional<PlantedBug> find_bug(std::string_view name);
[[nodiscard]] std::string names_of(const Bugs& bugs);
[[nodiscard]] Bugs bugs_of(std::span<const PlantedBug> bugs);

/// From now on, in this thread.
void plant(const Bugs& bugs);

}  // namespace cloister::simulation
