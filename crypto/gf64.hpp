#pragma once
/// The field GF(2^64) = GF(2)[x] / (x^64 + x^4 + x^3 + x + 1), an element in a word, x^0 in its lowest bit; and the
/// kernels of the additive Fourier transform over it. What they do depends on sizes alone, never on data.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace cloister::crypto {

/// The product, without the processor's help.
[[nodiscard]] std::uint64_t gf64_multiply(std::uint64_t a, std::uint64_t b);

/// Cantor's basis: β_0 = 1, β_(i+1)² + β_(i+1) = β_i (Cantor, J. Combin. Theory A 50, 1989).
[[nodiscard]] const std::array<std::uint64_t, 16>& gf64_cantor_basis();

struct Gf64Kernel {
  const char* name;
  /// to[i] += from[i]; the ranges do not overlap.
  void (*add)(std::uint64_t* to, const std::uint64_t* from, std::size_t count);
  /// One level of butterflies, in blocks of 2 · half: (lo, hi) becomes (lo + w·hi, lo + w·hi + hi), w = twiddles[block].
  void (*forward)(std::uint64_t* data, std::size_t points, std::size_t half, const std::uint64_t* twiddles);
  /// Undoes the same level.
  void (*inverse)(std::uint64_t* data, std::size_t points, std::size_t half, const std::uint64_t* twiddles);
  /// out[i] = Σ_k a[k][i] · b[k][i], for i below `count`, a multiple of 8.
  void (*dot)(std::uint64_t* out, const std::uint64_t* const* a, const std::uint64_t* const* b, std::size_t terms,
              std::size_t count);
};

[[nodiscard]] const Gf64Kernel& gf64_portable();
/// Only where gf64_has_clmul(), gf64_has_avx2_clmul() and gf64_has_wide_clmul() say so: PCLMULQDQ; VPCLMULQDQ on AVX2, as
/// Zen 3 and Alder Lake have it; on AVX-512.
[[nodiscard]] const Gf64Kernel& gf64_clmul();
[[nodiscard]] const Gf64Kernel& gf64_avx2_clmul();
[[nodiscard]] const Gf64Kernel& gf64_wide_clmul();
[[nodiscard]] bool gf64_has_clmul();
[[nodiscard]] bool gf64_has_avx2_clmul();
[[nodiscard]] bool gf64_has_wide_clmul();
/// All that this processor has, the fastest last.
[[nodiscard]] std::vector<const Gf64Kernel*> gf64_kernels();
/// The fastest.
[[nodiscard]] const Gf64Kernel& gf64_kernel();

}  // namespace cloister::crypto
