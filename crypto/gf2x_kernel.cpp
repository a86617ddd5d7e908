#include "crypto/gf2x_kernel.hpp"

#include <immintrin.h>

namespace cloister::crypto {

void gf2x_multiply_portable(const std::uint64_t* a, const std::uint64_t* b, std::size_t words, std::uint64_t* out) {
  for (std::size_t i = 0; i < words; ++i) {
    for (std::size_t j = 0; j < words; ++j) {
      std::uint64_t low = a[i] & (std::uint64_t{0} - (b[j] & 1U));
      std::uint64_t high = 0;
      for (unsigned bit = 1; bit < 64; ++bit) {
        const std::uint64_t take = std::uint64_t{0} - ((b[j] >> bit) & 1U);
        low ^= (a[i] << bit) & take;
        high ^= (a[i] >> (64 - bit)) & take;
      }
      out[i + j] ^= low;
      out[i + j + 1] ^= high;
    }
  }
}

[[gnu::target("pclmul,sse4.1")]] void gf2x_multiply_clmul(const std::uint64_t* a, const std::uint64_t* b,
                                                          std::size_t words, std::uint64_t* out) {
  // By columns: the products of one output word are summed in a register.
  __m128i carry = _mm_setzero_si128();
  for (std::size_t column = 0; column + 1 < 2 * words; ++column) {
    const std::size_t first = column < words ? 0 : column - words + 1;
    const std::size_t last = column < words ? column : words - 1;
    __m128i sum = carry;
    for (std::size_t i = first; i <= last; ++i) {
      const __m128i x = _mm_cvtsi64_si128(static_cast<long long>(a[i]));
      const __m128i y = _mm_cvtsi64_si128(static_cast<long long>(b[column - i]));
      sum = _mm_xor_si128(sum, _mm_clmulepi64_si128(x, y, 0));
    }
    out[column] ^= static_cast<std::uint64_t>(_mm_cvtsi128_si64(sum));
    carry = _mm_srli_si128(sum, 8);
  }
  out[2 * words - 1] ^= static_cast<std::uint64_t>(_mm_cvtsi128_si64(carry));
}

Gf2xKernel gf2x_kernel() {
  static const Gf2xKernel chosen = __builtin_cpu_supports("pclmul") != 0 && __builtin_cpu_supports("sse4.1") != 0
                                       ? gf2x_multiply_clmul
                                       : gf2x_multiply_portable;
  return chosen;
}

}  // namespace cloister::crypto
