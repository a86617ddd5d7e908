#include <immintrin.h>

#include <utility>

#include "crypto/gf64.hpp"

#define CLOISTER_WIDE [[gnu::target("avx512f,avx512vl,vpclmulqdq,pclmul")]]

namespace cloister::crypto {
namespace {

constexpr std::size_t width = 8;  // elements of a register

/// Eight remainders, of the 128-bit polynomials of the even and of the odd places.
CLOISTER_WIDE inline __m512i reduced(__m512i even, __m512i odd) {
  const __m512i polynomial = _mm512_set1_epi64(0x1B);
  const __m512i folded_even = _mm512_clmulepi64_epi128(even, polynomial, 0x01);
  const __m512i folded_odd = _mm512_clmulepi64_epi128(odd, polynomial, 0x01);
  // At most four bits are thrown up again: their product with x^4 + x^3 + x + 1 by shifts.
  const __m512i high = _mm512_unpackhi_epi64(folded_even, folded_odd);
  const __m512i rest = _mm512_xor_si512(_mm512_xor_si512(high, _mm512_slli_epi64(high, 1)),
                                        _mm512_xor_si512(_mm512_slli_epi64(high, 3), _mm512_slli_epi64(high, 4)));
  const __m512i low =
      _mm512_xor_si512(_mm512_unpacklo_epi64(even, odd), _mm512_unpacklo_epi64(folded_even, folded_odd));
  return _mm512_xor_si512(low, rest);
}

CLOISTER_WIDE inline __m512i multiply(__m512i a, __m512i b) {
  return reduced(_mm512_clmulepi64_epi128(a, b, 0x00), _mm512_clmulepi64_epi128(a, b, 0x11));
}

CLOISTER_WIDE void add(std::uint64_t* to, const std::uint64_t* from, std::size_t count) {
  std::size_t i = 0;
  for (; i + width <= count; i += width)
    _mm512_storeu_si512(to + i, _mm512_xor_si512(_mm512_loadu_si512(to + i), _mm512_loadu_si512(from + i)));
  for (; i < count; ++i) to[i] ^= from[i];
}

/// How two registers of a level with half < 8 part into lower and upper elements, and how they come back.
struct Parting {
  __m512i lower;
  __m512i upper;
  __m512i first;
  __m512i second;
  __m512i twiddles;  // which of the registers' twiddles each pair takes
};

CLOISTER_WIDE inline Parting parting_of(std::size_t half) {
  switch (half) {
    case 4:
      return {_mm512_set_epi64(11, 10, 9, 8, 3, 2, 1, 0), _mm512_set_epi64(15, 14, 13, 12, 7, 6, 5, 4),
              _mm512_set_epi64(11, 10, 9, 8, 3, 2, 1, 0), _mm512_set_epi64(15, 14, 13, 12, 7, 6, 5, 4),
              _mm512_set_epi64(1, 1, 1, 1, 0, 0, 0, 0)};
    case 2:
      return {_mm512_set_epi64(13, 12, 9, 8, 5, 4, 1, 0), _mm512_set_epi64(15, 14, 11, 10, 7, 6, 3, 2),
              _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0), _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4),
              _mm512_set_epi64(3, 3, 2, 2, 1, 1, 0, 0)};
    default:
      return {_mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0), _mm512_set_epi64(15, 13, 11, 9, 7, 5, 3, 1),
              _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0), _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4),
              _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0)};
  }
}

template <bool Forward>
CLOISTER_WIDE inline void butterfly(__m512i& lo, __m512i& hi, __m512i twiddle) {
  if constexpr (Forward) {
    lo = _mm512_xor_si512(lo, multiply(hi, twiddle));
    hi = _mm512_xor_si512(hi, lo);
  } else {
    hi = _mm512_xor_si512(hi, lo);
    lo = _mm512_xor_si512(lo, multiply(hi, twiddle));
  }
}

template <bool Forward>
CLOISTER_WIDE void level(std::uint64_t* data, std::size_t points, std::size_t half, const std::uint64_t* twiddles) {
  if (half >= width) {
    for (std::size_t block = 0; block < points / (2 * half); ++block) {
      std::uint64_t* lower = data + 2 * half * block;
      std::uint64_t* upper = lower + half;
      const __m512i twiddle = _mm512_set1_epi64(static_cast<long long>(twiddles[block]));
      for (std::size_t i = 0; i < half; i += width) {
        __m512i lo = _mm512_loadu_si512(lower + i);
        __m512i hi = _mm512_loadu_si512(upper + i);
        butterfly<Forward>(lo, hi, twiddle);
        _mm512_storeu_si512(lower + i, lo);
        _mm512_storeu_si512(upper + i, hi);
      }
    }
    return;
  }
  const Parting parting = parting_of(half);
  const std::size_t blocks = width / half;  // of two registers
  const auto wanted = static_cast<__mmask8>((1U << blocks) - 1);
  for (std::size_t at = 0; at < points; at += 2 * width) {
    const __m512i first = _mm512_loadu_si512(data + at);
    const __m512i second = _mm512_loadu_si512(data + at + width);
    __m512i lo = _mm512_permutex2var_epi64(first, parting.lower, second);
    __m512i hi = _mm512_permutex2var_epi64(first, parting.upper, second);
    const __m512i twiddle =
        _mm512_permutexvar_epi64(parting.twiddles, _mm512_maskz_loadu_epi64(wanted, twiddles + at / (2 * half)));
    butterfly<Forward>(lo, hi, twiddle);
    _mm512_storeu_si512(data + at, _mm512_permutex2var_epi64(lo, parting.first, hi));
    _mm512_storeu_si512(data + at + width, _mm512_permutex2var_epi64(lo, parting.second, hi));
  }
}

/// The products are summed before the remainder is taken.
CLOISTER_WIDE void dot(std::uint64_t* out, const std::uint64_t* const* a, const std::uint64_t* const* b,
                       std::size_t terms, std::size_t count) {
  for (std::size_t i = 0; i < count; i += width) {
    __m512i even = _mm512_setzero_si512();
    __m512i odd = _mm512_setzero_si512();
    for (std::size_t k = 0; k < terms; ++k) {
      const __m512i left = _mm512_loadu_si512(a[k] + i);
      const __m512i right = _mm512_loadu_si512(b[k] + i);
      even = _mm512_xor_si512(even, _mm512_clmulepi64_epi128(left, right, 0x00));
      odd = _mm512_xor_si512(odd, _mm512_clmulepi64_epi128(left, right, 0x11));
    }
    _mm512_storeu_si512(out + i, reduced(even, odd));
  }
}

}  // namespace

bool gf64_has_wide_clmul() {
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
         __builtin_cpu_supports("vpclmulqdq") != 0;
}

const Gf64Kernel& gf64_wide_clmul() {
  static const Gf64Kernel kernel{"VPCLMULQDQ", add, level<true>, level<false>, dot};
  return kernel;
}

}  // namespace cloister::crypto
