#pragma once
/// How many seeds the tests run: CLOISTER_SEEDS, else a thousand.

#include <cstdint>
#include <cstdlib>

namespace cloister::simulation {

inline std::uint64_t seeds_wanted() {
  const char* text = std::getenv("CLOISTER_SEEDS");
  return text == nullptr ? 1000 : std::strtoull(text, nullptr, 10);
}

}  // namespace cloister::simulation
