/* What a device and cloister-fibre say to each other (hal/simulator/protocol.hpp), as far as the example needs it. */
#ifndef EXAMPLE_FIBRE_WIRE_H
#define EXAMPLE_FIBRE_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "../cloister_hal.h"

enum fibre_type {
  FIBRE_START = 3,
  FIBRE_PROGRESS = 4,
  FIBRE_DETECTIONS = 5,
  FIBRE_STOPPED = 6,
  FIBRE_REFUSED = 7,
  FIBRE_RECEIVER_READINGS = 10,
  FIBRE_TRANSMITTER_READINGS = 11
};

struct fibre_message {
  enum fibre_type type;
  uint32_t epoch;
  uint64_t first; /* detections, readings: the first slot */
  uint64_t slots; /* progress: sent so far; detections, readings: of how many slots */
  uint64_t lost;
  uint64_t count;
  const uint8_t *packed; /* detections: `count` little-endian words; else text of `count` bytes */
  struct cloister_hal_receiver_readings received; /* the fibre has every meter */
  struct cloister_hal_transmitter_readings sent;
};

struct fibre_wire {
  int descriptor;
  uint8_t *buffer;
  size_t begin, end; /* what is not parsed yet */
};

/* 0, or -1 without memory. */
int fibre_open(struct fibre_wire *wire, int descriptor);
void fibre_close(struct fibre_wire *wire);
/* Says who we are, and as a transmitter what our light is; 0, or -1 when the fibre has gone. */
int fibre_hello(struct fibre_wire *wire, const struct cloister_hal_settings *settings, const uint8_t seed[32]);
/* 1 and the next message, whose `packed` is valid until the next call; 0 after the timeout; -1 when the fibre has gone
 * or what it says cannot be understood. */
int fibre_next(struct fibre_wire *wire, struct fibre_message *message, uint32_t timeout_ms);

#endif
