/* The example's source: the same generator as the simulated fibre's, so that the fibre can know the light that the
 * device says it sends from 32 bytes (hal/simulator/symbols.hpp). A real device draws symbols from a physical source. */
#ifndef EXAMPLE_LIGHT_H
#define EXAMPLE_LIGHT_H

#include <stdint.h>

#include "../cloister_hal.h"

struct light {
  _Alignas(16) uint8_t round_keys[15 * 16]; /* AES-256, FIPS 197, 5.2 */
  uint64_t below[2]; /* the signal, the first decoy: thresholds on 32 bits, 2^32 for all */
  uint32_t z_below;  /* on 31 bits */
};

void light_prepare(struct light *light, const uint8_t seed[32], const struct cloister_hal_settings *settings);
/* Symbols of slots [first, first + slots), two a byte as cloister_hal.h says; both even. */
void light_symbols(const struct light *light, uint32_t epoch, uint64_t first, uint64_t slots, uint8_t *out);

#endif
