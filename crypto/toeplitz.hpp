#pragma once
/// Privacy amplification: a Toeplitz matrix over GF(2) applied to a bit string, exactly.
///
///   out[i] = ⊕_j  input[j] · seed[i + (n - 1) - j]        0 ≤ i < m, 0 ≤ j < n, seed of n + m - 1 bits
///
/// that is, bits n-1 … n+m-2 of the carry-less product of `input` and `seed`.

#include <cstddef>
#include <cstdint>
#include <span>

#include "crypto/bits.hpp"

namespace cloister::crypto {

/// Number of seed bits for n input and m output bits.
[[nodiscard]] constexpr std::size_t toeplitz_seed_bits(std::size_t input_bits, std::size_t output_bits) {
  return input_bits + output_bits - 1;
}

/// `seed` holds at least toeplitz_seed_bits(input.size_bits(), output_bits) bits, least significant first; public.
[[nodiscard]] SecretBits toeplitz_hash(const SecretBits& input, std::span<const std::uint64_t> seed,
                                       std::size_t output_bits);

/// Carry-less product: `out` has a.size() + b.size() words.
void multiply_gf2x(std::span<const std::uint64_t> a, std::span<const std::uint64_t> b, std::span<std::uint64_t> out);

}  // namespace cloister::crypto
