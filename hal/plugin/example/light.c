#include "light.h"

#include <immintrin.h>

enum { ROUNDS = 14, LANES = 8 };

static __m128i spread(__m128i key, __m128i assist) {
  key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
  key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
  return _mm_xor_si128(key, assist);
}

/* Two round keys further; the round constant must be a literal of the instruction. */
#define EXPAND(i, constant)                                                                                  \
  do {                                                                                                       \
    keys[i] = spread(keys[(i)-2], _mm_shuffle_epi32(_mm_aeskeygenassist_si128(keys[(i)-1], constant), 0xff)); \
    if ((i) < ROUNDS)                                                                                        \
      keys[(i) + 1] = spread(keys[(i)-1], _mm_shuffle_epi32(_mm_aeskeygenassist_si128(keys[i], 0), 0xaa));    \
  } while (0)

static void expand_key(const uint8_t seed[32], uint8_t *out) {
  __m128i keys[ROUNDS + 2];
  keys[0] = _mm_loadu_si128((const __m128i *)(const void *)seed);
  keys[1] = _mm_loadu_si128((const __m128i *)(const void *)(seed + 16));
  EXPAND(2, 0x01);
  EXPAND(4, 0x02);
  EXPAND(6, 0x04);
  EXPAND(8, 0x08);
  EXPAND(10, 0x10);
  EXPAND(12, 0x20);
  EXPAND(14, 0x40);
  for (int i = 0; i <= ROUNDS; i++) _mm_store_si128((__m128i *)(void *)(out + 16 * i), keys[i]);
}

void light_prepare(struct light *light, const uint8_t seed[32], const struct cloister_hal_settings *settings) {
  const double *share = settings->intensity_probability;
  light->below[0] = (uint64_t)(share[0] * 4294967296.0);
  light->below[1] = settings->intensities == 3 ? (uint64_t)((share[0] + share[1]) * 4294967296.0) : UINT64_C(1) << 32;
  light->z_below = (uint32_t)(settings->key_basis_probability * 2147483648.0);
  expand_key(seed, light->round_keys);
}

static uint8_t symbol(const struct light *light, uint64_t drawn) {
  const uint32_t basis = ((uint32_t)(drawn >> 32) & 0x7fffffffu) >= light->z_below;
  const uint32_t intensity =
      (uint32_t)((uint32_t)drawn >= light->below[0]) + (uint32_t)((uint32_t)drawn >= light->below[1]);
  return (uint8_t)((uint32_t)(drawn >> 63) | basis << 1 | intensity << 2);
}

void light_symbols(const struct light *light, uint32_t epoch, uint64_t first, uint64_t slots, uint8_t *out) {
  const __m128i *keys = (const __m128i *)(const void *)light->round_keys;
  for (uint64_t done = 0; done < slots; done += LANES) {
    __m128i state[LANES];
    for (int lane = 0; lane < LANES; lane++)
      state[lane] = _mm_xor_si128(_mm_set_epi64x((long long)epoch, (long long)(first + done + (uint64_t)lane)), keys[0]);
    for (int round = 1; round < ROUNDS; round++)
      for (int lane = 0; lane < LANES; lane++) state[lane] = _mm_aesenc_si128(state[lane], keys[round]);
    uint64_t drawn[LANES];
    for (int lane = 0; lane < LANES; lane++)
      drawn[lane] = (uint64_t)_mm_cvtsi128_si64(_mm_aesenclast_si128(state[lane], keys[ROUNDS]));
    const uint64_t left = slots - done < LANES ? slots - done : LANES;
    for (uint64_t lane = 0; lane < left; lane += 2)
      out[(done + lane) / 2] = (uint8_t)(symbol(light, drawn[lane]) | symbol(light, drawn[lane + 1]) << 4);
  }
}
