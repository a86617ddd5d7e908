#include "tests/simulation/speed.hpp"

namespace cloister::simulation {

std::string_view name_of(Speed speed) { return speed == Speed::store ? "store" : "chain"; }

std::optional<Speed> find_speed(std::string_view name) {
  for (const auto speed : {Speed::store, Speed::chain})
    if (name == name_of(speed)) return speed;
  return std::nullopt;
}

}  // namespace cloister::simulation
