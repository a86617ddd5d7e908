#pragma once
/// The Toeplitz hash by its definition, one output bit at a time, a word of the input at once.

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "crypto/bits.hpp"

namespace cloister::test {

/// One output bit by the definition: Σ_j input[j] · seed[i + (n - 1) - j], the seed's window read backwards.
[[nodiscard]] inline bool toeplitz_bit(const crypto::SecretBits& input, std::span<const std::uint64_t> seed,
                                       std::size_t i) {
  const std::size_t n = input.size_bits();
  const auto words = input.expose();
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < words.size(); ++at) {
    // Bits of the seed that meet input bits 64·at …: the highest is i + (n - 1) - 64·at.
    const std::size_t highest = i + (n - 1) - 64 * at;
    const std::size_t lowest = highest - std::min<std::size_t>(highest, 63);
    std::uint64_t window = seed[lowest / 64] >> (lowest % 64);
    if (lowest % 64 != 0 && lowest / 64 + 1 < seed.size()) window |= seed[lowest / 64 + 1] << (64 - lowest % 64);
    if (highest < 63) window <<= 63 - highest;
    std::uint64_t reversed = __builtin_bswap64(window);
    reversed = ((reversed >> 4U) & 0x0F0F0F0F0F0F0F0FU) | ((reversed & 0x0F0F0F0F0F0F0F0FU) << 4U);
    reversed = ((reversed >> 2U) & 0x3333333333333333U) | ((reversed & 0x3333333333333333U) << 2U);
    reversed = ((reversed >> 1U) & 0x5555555555555555U) | ((reversed & 0x5555555555555555U) << 1U);
    sum ^= words[at] & reversed;
  }
  return std::popcount(sum) % 2 != 0;
}

}  // namespace cloister::test
