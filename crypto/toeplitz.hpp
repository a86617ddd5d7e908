#pragma once
/// Privacy amplification: a Toeplitz matrix over GF(2) applied to a bit string, exactly.
///
///   out[i] = ⊕_j  input[j] · seed[i + (n - 1) - j]        0 ≤ i < m, 0 ≤ j < n, seed of n + m - 1 bits
///
/// that is, bits n-1 … n+m-2 of the carry-less product of `input` and `seed`.
///
/// The bits are taken as polynomials in y = x^32 with coefficients in GF(2^64), where products of two coefficients need
/// no remainder, cut into blocks, and multiplied by additive Fourier transforms (overlap-save): exact, and in time that
/// grows little faster than n.

#include <cstddef>
#include <cstdint>
#include <span>

#include "crypto/bits.hpp"
#include "crypto/gf64.hpp"

namespace cloister::crypto {

/// Number of seed bits for n input and m output bits.
[[nodiscard]] constexpr std::size_t toeplitz_seed_bits(std::size_t input_bits, std::size_t output_bits) {
  return input_bits + output_bits - 1;
}

/// `seed` holds at least toeplitz_seed_bits(input.size_bits(), output_bits) bits, least significant first; public.
[[nodiscard]] SecretBits toeplitz_hash(const SecretBits& input, std::span<const std::uint64_t> seed,
                                       std::size_t output_bits, const Gf64Kernel& kernel = gf64_kernel());

}  // namespace cloister::crypto
