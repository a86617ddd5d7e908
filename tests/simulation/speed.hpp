#pragma once
/// The two speeds at which a run may go.

#include <cstdint>
#include <optional>
#include <string_view>

namespace cloister::simulation {

/// store: the real session, keys and tunnels with a distillation that costs nothing; chain: with all real stages.
enum class Speed : std::uint8_t { store, chain };
[[nodiscard]] std::string_view name_of(Speed speed);
[[nodiscard]] std::optional<Speed> find_speed(std::string_view name);

}  // namespace cloister::simulation
