#include <immintrin.h>

#include "crypto/gf128_kernel.hpp"

#define CLOISTER_CLMUL [[gnu::target("pclmul,ssse3")]]
#define CLOISTER_VCLMUL [[gnu::target("avx512f,avx512bw,vpclmulqdq,pclmul,ssse3")]]

namespace cloister::crypto {
namespace {

/// A 256-bit carry-less product before reduction, GHASH's bits reflected.
struct Product {
  __m128i low;
  __m128i middle;
  __m128i high;
};

CLOISTER_CLMUL __m128i reverse(__m128i value) {
  return _mm_shuffle_epi8(value, _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

CLOISTER_CLMUL __m128i load(const std::byte* bytes) {
  return reverse(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)));
}

CLOISTER_CLMUL void add_product(Product& sum, __m128i a, __m128i b) {
  sum.low = _mm_xor_si128(sum.low, _mm_clmulepi64_si128(a, b, 0x00));
  sum.high = _mm_xor_si128(sum.high, _mm_clmulepi64_si128(a, b, 0x11));
  sum.middle =
      _mm_xor_si128(sum.middle, _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x10), _mm_clmulepi64_si128(a, b, 0x01)));
}

/// Gueron and Kounavis, "Intel carry-less multiplication instruction and its usage for computing the GCM mode",
/// algorithm 5: shift the reflected product by one bit, then reduce modulo x^128 + x^7 + x^2 + x + 1.
CLOISTER_CLMUL __m128i reduce(const Product& product) {
  __m128i low = _mm_xor_si128(product.low, _mm_slli_si128(product.middle, 8));
  __m128i high = _mm_xor_si128(product.high, _mm_srli_si128(product.middle, 8));
  const __m128i carry_low = _mm_srli_epi32(low, 31);
  const __m128i carry_high = _mm_srli_epi32(high, 31);
  low = _mm_or_si128(_mm_slli_epi32(low, 1), _mm_slli_si128(carry_low, 4));
  high =
      _mm_or_si128(_mm_slli_epi32(high, 1), _mm_or_si128(_mm_slli_si128(carry_high, 4), _mm_srli_si128(carry_low, 12)));

  const __m128i folded =
      _mm_xor_si128(_mm_slli_epi32(low, 31), _mm_xor_si128(_mm_slli_epi32(low, 30), _mm_slli_epi32(low, 25)));
  low = _mm_xor_si128(low, _mm_slli_si128(folded, 12));
  const __m128i shifted =
      _mm_xor_si128(_mm_srli_epi32(low, 1), _mm_xor_si128(_mm_srli_epi32(low, 2), _mm_srli_epi32(low, 7)));
  return _mm_xor_si128(high, _mm_xor_si128(low, _mm_xor_si128(shifted, _mm_srli_si128(folded, 4))));
}

CLOISTER_CLMUL Product no_product() { return {_mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128()}; }

CLOISTER_CLMUL Block128 store(__m128i value) {
  Block128 bytes{};
  _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes.data()), reverse(value));
  return bytes;
}

CLOISTER_CLMUL Block128 multiply(const Block128& a, const Block128& b) {
  Product product = no_product();
  add_product(product, load(a.data()), load(b.data()));
  return store(reduce(product));
}

/// Eight blocks share one reduction: (v ⊕ b1)·H^8 ⊕ b2·H^7 … ⊕ b8·H.
CLOISTER_CLMUL void absorb(Block128& value, const Gf128Powers& powers, std::span<const std::byte> data) {
  constexpr std::size_t shared = 8;
  static_assert(shared <= gf128_powers);
  __m128i sum = load(value.data());
  constexpr std::size_t stride = 16 * shared;
  if (data.size() >= stride) {
    __m128i power[shared];
    for (std::size_t i = 0; i < shared; ++i) power[i] = load(powers[i].data());
    for (; data.size() >= stride; data = data.subspan(stride)) {
      Product product = no_product();
      add_product(product, _mm_xor_si128(sum, load(data.data())), power[shared - 1]);
      for (std::size_t i = 1; i < shared; ++i) add_product(product, load(data.data() + 16 * i), power[shared - 1 - i]);
      sum = reduce(product);
    }
  }
  const __m128i h = load(powers[0].data());
  for (; data.size() >= 16; data = data.subspan(16)) {
    Product product = no_product();
    add_product(product, _mm_xor_si128(sum, load(data.data())), h);
    sum = reduce(product);
  }
  value = store(sum);
}

/// Four blocks, each reversed.
CLOISTER_VCLMUL __m512i load_four(const std::byte* bytes) {
  const __m512i order = _mm512_broadcast_i32x4(_mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  return _mm512_shuffle_epi8(_mm512_loadu_si512(bytes), order);
}

CLOISTER_VCLMUL __m128i sum_of_four(__m512i value) {
  const __m256i two = _mm256_xor_si256(_mm512_castsi512_si256(value), _mm512_extracti64x4_epi64(value, 1));
  return _mm_xor_si128(_mm256_castsi256_si128(two), _mm256_extracti128_si256(two, 1));
}

/// As `absorb`, with 32 blocks for one reduction, four to a register.
CLOISTER_VCLMUL void absorb_wide(Block128& value, const Gf128Powers& powers, std::span<const std::byte> data) {
  constexpr std::size_t registers = gf128_powers / 4;
  constexpr std::size_t stride = 16 * gf128_powers;
  if (data.size() < stride) return absorb(value, powers, data);
  Gf128Powers descending;  // H^32 first, as the blocks meet them
  for (std::size_t i = 0; i < gf128_powers; ++i) descending[i] = powers[gf128_powers - 1 - i];
  __m512i power[registers];
  for (std::size_t i = 0; i < registers; ++i) power[i] = load_four(descending[4 * i].data());
  __m128i sum = load(value.data());
  for (; data.size() >= stride; data = data.subspan(stride)) {
    __m512i low = _mm512_setzero_si512();
    __m512i middle = low;
    __m512i high = low;
    // The running sum joins the first block; that register comes last, so that the reduction before has time to end.
    for (std::size_t i = registers; i-- > 0;) {
      __m512i blocks = load_four(data.data() + 64 * i);
      if (i == 0) blocks = _mm512_xor_si512(blocks, _mm512_zextsi128_si512(sum));
      low = _mm512_xor_si512(low, _mm512_clmulepi64_epi128(blocks, power[i], 0x00));
      high = _mm512_xor_si512(high, _mm512_clmulepi64_epi128(blocks, power[i], 0x11));
      middle = _mm512_ternarylogic_epi64(middle, _mm512_clmulepi64_epi128(blocks, power[i], 0x10),
                                         _mm512_clmulepi64_epi128(blocks, power[i], 0x01), 0x96);
    }
    sum = reduce({sum_of_four(low), sum_of_four(middle), sum_of_four(high)});
  }
  wipe(std::as_writable_bytes(std::span{descending}));
  value = store(sum);
  absorb(value, powers, data);
}

}  // namespace

const Gf128Kernel& gf128_vclmul() {
  static constexpr Gf128Kernel kernel{"VPCLMULQDQ", multiply, absorb_wide};
  return kernel;
}

const Gf128Kernel& gf128_clmul() {
  static constexpr Gf128Kernel kernel{"PCLMULQDQ", multiply, absorb};
  return kernel;
}

bool cpu_has_clmul() { return __builtin_cpu_supports("pclmul") != 0 && __builtin_cpu_supports("ssse3") != 0; }

bool cpu_has_vclmul() {
  return cpu_has_clmul() && __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("vpclmulqdq") != 0;
}

std::vector<const Gf128Kernel*> gf128_kernels() {
  std::vector<const Gf128Kernel*> kernels{&gf128_portable()};
  if (cpu_has_clmul()) kernels.push_back(&gf128_clmul());
  if (cpu_has_vclmul()) kernels.push_back(&gf128_vclmul());
  return kernels;
}

const Gf128Kernel& gf128_kernel() {
  static const Gf128Kernel& chosen = *gf128_kernels().back();
  return chosen;
}

}  // namespace cloister::crypto
