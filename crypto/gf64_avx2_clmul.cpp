#include <immintrin.h>

#include "crypto/gf64.hpp"

#define CLOISTER_AVX2_CLMUL [[gnu::target("avx2,vpclmulqdq,pclmul")]]

namespace cloister::crypto {
namespace {

constexpr std::size_t width = 4;  // elements of a register

__m256i* at(std::uint64_t* data) { return reinterpret_cast<__m256i*>(data); }
const __m256i* at(const std::uint64_t* data) { return reinterpret_cast<const __m256i*>(data); }

/// Four remainders, of the 128-bit polynomials of the even and of the odd places.
CLOISTER_AVX2_CLMUL inline __m256i reduced(__m256i even, __m256i odd) {
  const __m256i polynomial = _mm256_set1_epi64x(0x1B);
  const __m256i folded_even = _mm256_clmulepi64_epi128(even, polynomial, 0x01);
  const __m256i folded_odd = _mm256_clmulepi64_epi128(odd, polynomial, 0x01);
  // At most four bits are thrown up again: their product with x^4 + x^3 + x + 1 by shifts.
  const __m256i high = _mm256_unpackhi_epi64(folded_even, folded_odd);
  const __m256i rest = _mm256_xor_si256(_mm256_xor_si256(high, _mm256_slli_epi64(high, 1)),
                                        _mm256_xor_si256(_mm256_slli_epi64(high, 3), _mm256_slli_epi64(high, 4)));
  const __m256i low = _mm256_unpacklo_epi64(_mm256_xor_si256(even, folded_even), _mm256_xor_si256(odd, folded_odd));
  return _mm256_xor_si256(low, rest);
}

CLOISTER_AVX2_CLMUL inline __m256i multiply(__m256i a, __m256i b) {
  return reduced(_mm256_clmulepi64_epi128(a, b, 0x00), _mm256_clmulepi64_epi128(a, b, 0x11));
}

CLOISTER_AVX2_CLMUL void add(std::uint64_t* to, const std::uint64_t* from, std::size_t count) {
  std::size_t i = 0;
  for (; i + width <= count; i += width)
    _mm256_storeu_si256(at(to + i), _mm256_xor_si256(_mm256_loadu_si256(at(to + i)), _mm256_loadu_si256(at(from + i))));
  for (; i < count; ++i) to[i] ^= from[i];
}

template <bool Forward>
CLOISTER_AVX2_CLMUL inline void butterfly(__m256i& lo, __m256i& hi, __m256i twiddle) {
  if constexpr (Forward) {
    lo = _mm256_xor_si256(lo, multiply(hi, twiddle));
    hi = _mm256_xor_si256(hi, lo);
  } else {
    hi = _mm256_xor_si256(hi, lo);
    lo = _mm256_xor_si256(lo, multiply(hi, twiddle));
  }
}

template <bool Forward>
CLOISTER_AVX2_CLMUL void long_level(std::uint64_t* data, std::size_t points, std::size_t half,
                                    const std::uint64_t* twiddles) {
  for (std::size_t block = 0; block < points / (2 * half); ++block) {
    std::uint64_t* lower = data + 2 * half * block;
    std::uint64_t* upper = lower + half;
    const __m256i twiddle = _mm256_set1_epi64x(static_cast<long long>(twiddles[block]));
    for (std::size_t i = 0; i < half; i += width) {
      __m256i lo = _mm256_loadu_si256(at(lower + i));
      __m256i hi = _mm256_loadu_si256(at(upper + i));
      butterfly<Forward>(lo, hi, twiddle);
      _mm256_storeu_si256(at(lower + i), lo);
      _mm256_storeu_si256(at(upper + i), hi);
    }
  }
}

/// A level whose blocks have four elements, or two: two registers part into lower and upper elements, and come back.
template <bool Forward, std::size_t half>
CLOISTER_AVX2_CLMUL void short_level(std::uint64_t* data, std::size_t points, const std::uint64_t* twiddles) {
  for (std::size_t i = 0; i < points; i += 2 * width) {
    const __m256i first = _mm256_loadu_si256(at(data + i));
    const __m256i second = _mm256_loadu_si256(at(data + i + width));
    if constexpr (half == 2) {
      const auto pair = _mm_loadu_si128(reinterpret_cast<const __m128i*>(twiddles + i / 4));
      __m256i lo = _mm256_permute2x128_si256(first, second, 0x20);
      __m256i hi = _mm256_permute2x128_si256(first, second, 0x31);
      butterfly<Forward>(lo, hi, _mm256_permute4x64_epi64(_mm256_castsi128_si256(pair), _MM_SHUFFLE(1, 1, 0, 0)));
      _mm256_storeu_si256(at(data + i), _mm256_permute2x128_si256(lo, hi, 0x20));
      _mm256_storeu_si256(at(data + i + width), _mm256_permute2x128_si256(lo, hi, 0x31));
    } else {
      const __m256i four = _mm256_loadu_si256(at(twiddles + i / 2));
      __m256i lo = _mm256_unpacklo_epi64(first, second);  // of blocks 0, 2, 1, 3
      __m256i hi = _mm256_unpackhi_epi64(first, second);
      butterfly<Forward>(lo, hi, _mm256_permute4x64_epi64(four, _MM_SHUFFLE(3, 1, 2, 0)));
      _mm256_storeu_si256(at(data + i), _mm256_unpacklo_epi64(lo, hi));
      _mm256_storeu_si256(at(data + i + width), _mm256_unpackhi_epi64(lo, hi));
    }
  }
}

template <bool Forward>
void level(std::uint64_t* data, std::size_t points, std::size_t half, const std::uint64_t* twiddles) {
  switch (half) {
    case 1:
      return short_level<Forward, 1>(data, points, twiddles);
    case 2:
      return short_level<Forward, 2>(data, points, twiddles);
    default:
      return long_level<Forward>(data, points, half, twiddles);
  }
}

/// The products are summed before the remainder is taken.
CLOISTER_AVX2_CLMUL void dot(std::uint64_t* out, const std::uint64_t* const* a, const std::uint64_t* const* b,
                             std::size_t terms, std::size_t count) {
  for (std::size_t i = 0; i < count; i += width) {
    __m256i even = _mm256_setzero_si256();
    __m256i odd = _mm256_setzero_si256();
    for (std::size_t k = 0; k < terms; ++k) {
      const __m256i left = _mm256_loadu_si256(at(a[k] + i));
      const __m256i right = _mm256_loadu_si256(at(b[k] + i));
      even = _mm256_xor_si256(even, _mm256_clmulepi64_epi128(left, right, 0x00));
      odd = _mm256_xor_si256(odd, _mm256_clmulepi64_epi128(left, right, 0x11));
    }
    _mm256_storeu_si256(at(out + i), reduced(even, odd));
  }
}

}  // namespace

bool gf64_has_avx2_clmul() { return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("vpclmulqdq") != 0; }

const Gf64Kernel& gf64_avx2_clmul() {
  static const Gf64Kernel kernel{"VPCLMULQDQ, AVX2", add, level<true>, level<false>, dot};
  return kernel;
}

}  // namespace cloister::crypto
