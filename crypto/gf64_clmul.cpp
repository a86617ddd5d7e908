#include <immintrin.h>

#include "crypto/gf64.hpp"

#define CLOISTER_CLMUL [[gnu::target("pclmul,sse4.1")]]

namespace cloister::crypto {
namespace {

/// The remainder of a 128-bit polynomial. x^64 = x^4 + x^3 + x + 1: the upper half folds down, and once more the few
/// bits that it throws up again.
CLOISTER_CLMUL inline std::uint64_t reduced(__m128i product) {
  const __m128i polynomial = _mm_set_epi64x(0, 0x1B);
  const __m128i folded = _mm_clmulepi64_si128(product, polynomial, 0x01);
  const __m128i rest = _mm_clmulepi64_si128(folded, polynomial, 0x01);
  return static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm_xor_si128(product, _mm_xor_si128(folded, rest))));
}

CLOISTER_CLMUL inline __m128i product_of(std::uint64_t a, std::uint64_t b) {
  return _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<long long>(a)),
                              _mm_cvtsi64_si128(static_cast<long long>(b)), 0x00);
}

CLOISTER_CLMUL void forward(std::uint64_t* data, std::size_t points, std::size_t half, const std::uint64_t* twiddles) {
  for (std::size_t block = 0; block < points / (2 * half); ++block) {
    std::uint64_t* lo = data + 2 * half * block;
    std::uint64_t* hi = lo + half;
    for (std::size_t i = 0; i < half; ++i) {
      lo[i] ^= reduced(product_of(hi[i], twiddles[block]));
      hi[i] ^= lo[i];
    }
  }
}

CLOISTER_CLMUL void inverse(std::uint64_t* data, std::size_t points, std::size_t half, const std::uint64_t* twiddles) {
  for (std::size_t block = 0; block < points / (2 * half); ++block) {
    std::uint64_t* lo = data + 2 * half * block;
    std::uint64_t* hi = lo + half;
    for (std::size_t i = 0; i < half; ++i) {
      hi[i] ^= lo[i];
      lo[i] ^= reduced(product_of(hi[i], twiddles[block]));
    }
  }
}

CLOISTER_CLMUL void dot(std::uint64_t* out, const std::uint64_t* const* a, const std::uint64_t* const* b,
                        std::size_t terms, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    __m128i sum = _mm_setzero_si128();
    for (std::size_t k = 0; k < terms; ++k) sum = _mm_xor_si128(sum, product_of(a[k][i], b[k][i]));
    out[i] = reduced(sum);
  }
}

}  // namespace

bool gf64_has_clmul() { return __builtin_cpu_supports("pclmul") != 0 && __builtin_cpu_supports("sse4.1") != 0; }

const Gf64Kernel& gf64_clmul() {
  static const Gf64Kernel kernel{"PCLMULQDQ", gf64_portable().add, forward, inverse, dot};
  return kernel;
}

}  // namespace cloister::crypto
