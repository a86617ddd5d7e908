#pragma once
/// Bytes that follow from a seed: in no program's file.

#include <cstddef>
#include <cstdint>

namespace cloister::test {

inline constexpr std::size_t pattern_bytes = 48;

inline void fill_pattern(std::uint64_t seed, std::byte* out) {
  for (std::size_t i = 0; i < pattern_bytes; ++i) {
    seed ^= seed << 13U;
    seed ^= seed >> 7U;
    seed ^= seed << 17U;
    out[i] = static_cast<std::byte>(seed >> 32U);
  }
}

}  // namespace cloister::test
