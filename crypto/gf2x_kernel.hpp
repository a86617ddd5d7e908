#pragma once
/// Carry-less products of equally long, short operands: the base of the recursion in gf2x.cpp.

#include <cstddef>
#include <cstdint>

namespace cloister::crypto {

/// out[0 … 2·words) ⊕= a[0 … words) · b[0 … words), all least significant word first.
using Gf2xKernel = void (*)(const std::uint64_t* a, const std::uint64_t* b, std::size_t words, std::uint64_t* out);

void gf2x_multiply_portable(const std::uint64_t* a, const std::uint64_t* b, std::size_t words, std::uint64_t* out);
/// Only where the processor has PCLMULQDQ.
void gf2x_multiply_clmul(const std::uint64_t* a, const std::uint64_t* b, std::size_t words, std::uint64_t* out);
[[nodiscard]] Gf2xKernel gf2x_kernel();

}  // namespace cloister::crypto
