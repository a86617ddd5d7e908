/* The example's source: the same generator as the simulated fibre's, so that the fibre can know the light that the
 * device says it sends from 32 bytes (hal/simulator/symbols.hpp). A real device draws symbols from a physical source. */
#ifndef EXAMPLE_LIGHT_H
#define EXAMPLE_LIGHT_H

#include <stdint.h>

struct light {
  _Alignas(16) uint8_t round_keys[15 * 16]; /* AES-256, FIPS 197, 5.2 */
  uint32_t signal_below;                    /* thresholds on 32 and 31 bits */
  uint32_t z_below;
};

void light_prepare(struct light *light, const uint8_t seed[32], double signal_probability, double z_probability);
/* Symbols of slots [first, first + slots), two a byte as cloister_hal.h says; both even. */
void light_symbols(const struct light *light, uint32_t epoch, uint64_t first, uint64_t slots, uint8_t *out);

#endif
