#include "fibre_wire.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEADER = 8, HELLO = 72, DETECTIONS_HEAD = 36, BODY_MAX = DETECTIONS_HEAD + 4 * (1 << 20), BUFFER = HEADER + BODY_MAX };

static uint64_t number(const uint8_t *bytes, int count) {
  uint64_t value = 0;
  for (int i = 0; i < count; i++) value |= (uint64_t)bytes[i] << (8 * i);
  return value;
}

static uint8_t *put(uint8_t *out, uint64_t value, int count) {
  for (int i = 0; i < count; i++) *out++ = (uint8_t)(value >> (8 * i));
  return out;
}

static uint8_t *put_double(uint8_t *out, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return put(out, bits, 8);
}

int fibre_open(struct fibre_wire *wire, int descriptor) {
  wire->descriptor = descriptor;
  wire->begin = wire->end = 0;
  wire->buffer = malloc(BUFFER);
  return wire->buffer == NULL ? -1 : 0;
}

void fibre_close(struct fibre_wire *wire) { free(wire->buffer); }

int fibre_hello(struct fibre_wire *wire, const struct cloister_hal_settings *settings, const uint8_t seed[32]) {
  const int transmits = settings->role == CLOISTER_HAL_TRANSMITTER;
  uint8_t bytes[2 * HEADER + HELLO + 32];
  uint8_t *out = put(put(bytes, HELLO, 4), 1, 4); /* length, hello */
  out = put(put(out, 3, 4), transmits ? 0 : 1, 4); /* version, role */
  out = put_double(put_double(out, settings->clock_hz), settings->key_basis_probability);
  for (int i = 0; i < 3; i++) out = put_double(out, settings->mean_photons[i]);
  for (int i = 0; i < 3; i++) out = put_double(out, settings->intensity_probability[i]);
  if (transmits) {
    out = put(put(out, 32, 4), 2, 4); /* length, light */
    memcpy(out, seed, 32);
    out += 32;
  }
  const ssize_t size = out - bytes;
  return write(wire->descriptor, bytes, (size_t)size) == size ? 0 : -1;
}

static double number_double(const uint8_t *bytes) {
  const uint64_t bits = number(bytes, 8);
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

enum { RECEIVER_READINGS = 84 + 2 * CLOISTER_HAL_ARRIVAL_BINS * (4 + 8), TRANSMITTER_READINGS = 60 };

static void parse_receiver_readings(const uint8_t *body, struct cloister_hal_receiver_readings *readings) {
  readings->meters = CLOISTER_HAL_METER_PHOTOCURRENT | CLOISTER_HAL_METER_ARRIVALS | CLOISTER_HAL_METER_DIMMED_GATES;
  readings->clicks = number(body + 20, 8);
  readings->photocurrent_amperes = number_double(body + 28);
  readings->photocurrent_deviation = number_double(body + 36);
  readings->dark_amperes = number_double(body + 44);
  readings->coulombs_per_click = number_double(body + 52);
  readings->dimmed_clicks = number(body + 60, 8);
  readings->other_clicks = number(body + 68, 8);
  readings->dimmed_share = number_double(body + 76);
  const uint8_t *at = body + 84;
  for (unsigned bit = 0; bit < 2; bit++)
    for (unsigned bin = 0; bin < CLOISTER_HAL_ARRIVAL_BINS; bin++, at += 4)
      readings->arrivals[bit][bin] = (uint32_t)number(at, 4);
  for (unsigned bit = 0; bit < 2; bit++)
    for (unsigned bin = 0; bin < CLOISTER_HAL_ARRIVAL_BINS; bin++, at += 8)
      readings->arrivals_expected[bit][bin] = number_double(at);
}

static void parse_transmitter_readings(const uint8_t *body, struct cloister_hal_transmitter_readings *readings) {
  readings->meters = CLOISTER_HAL_METER_OUTPUT_POWER | CLOISTER_HAL_METER_RETURNED_LIGHT;
  readings->first_slot = number(body + 4, 8);
  readings->slots = number(body + 12, 8);
  readings->output_power = number_double(body + 20);
  readings->output_deviation = number_double(body + 28);
  readings->returned_watts = number_double(body + 36);
  readings->returned_deviation = number_double(body + 44);
  readings->returned_watts_max = number_double(body + 52);
}

/* This device's randomness does not fail because the fibre says so. */
enum { WEAKENED = 12 };

/* 2: a message to be passed over; 1: a whole message; 0: not yet; -1: none. */
static int parse(struct fibre_wire *wire, struct fibre_message *message) {
  const uint8_t *at = wire->buffer + wire->begin;
  const size_t have = wire->end - wire->begin;
  if (have < HEADER) return 0;
  const size_t size = (size_t)number(at, 4);
  const uint64_t type = number(at + 4, 4);
  if (size > BODY_MAX) return -1;
  if (have < HEADER + size) return 0;
  const uint8_t *body = at + HEADER;
  memset(message, 0, sizeof *message);
  if (type == WEAKENED) {
    wire->begin += HEADER + size;
    return 2;
  }
  if (type == FIBRE_START && size == 4) {
    message->epoch = (uint32_t)number(body, 4);
  } else if (type == FIBRE_PROGRESS && size == 12) {
    message->epoch = (uint32_t)number(body, 4);
    message->slots = number(body + 4, 8);
  } else if (type == FIBRE_DETECTIONS && size >= DETECTIONS_HEAD && (size - DETECTIONS_HEAD) % 4 == 0) {
    message->epoch = (uint32_t)number(body, 4);
    message->first = number(body + 4, 8);
    message->slots = number(body + 12, 8);
    message->lost = number(body + 20, 8);
    message->count = (size - DETECTIONS_HEAD) / 4;
    message->packed = body + DETECTIONS_HEAD;
  } else if ((type == FIBRE_RECEIVER_READINGS && size == RECEIVER_READINGS) ||
             (type == FIBRE_TRANSMITTER_READINGS && size == TRANSMITTER_READINGS)) {
    message->epoch = (uint32_t)number(body, 4);
    message->first = number(body + 4, 8);
    message->slots = number(body + 12, 8);
    if (type == FIBRE_RECEIVER_READINGS) parse_receiver_readings(body, &message->received);
    if (type == FIBRE_TRANSMITTER_READINGS) parse_transmitter_readings(body, &message->sent);
  } else if (type == FIBRE_STOPPED || type == FIBRE_REFUSED) {
    message->count = size;
    message->packed = body;
  } else {
    return -1;
  }
  message->type = (enum fibre_type)type;
  wire->begin += HEADER + size;
  return 1;
}

int fibre_next(struct fibre_wire *wire, struct fibre_message *message, uint32_t timeout_ms) {
  for (;;) {
    int found = parse(wire, message);
    while (found == 2) found = parse(wire, message);
    if (found != 0) return found;
    memmove(wire->buffer, wire->buffer + wire->begin, wire->end - wire->begin);
    wire->end -= wire->begin;
    wire->begin = 0;
    struct pollfd wait = {.fd = wire->descriptor, .events = POLLIN, .revents = 0};
    const int ready = poll(&wait, 1, (int)timeout_ms);
    if (ready == 0 || (ready < 0 && errno == EINTR)) return 0;
    const ssize_t count = read(wire->descriptor, wire->buffer + wire->end, BUFFER - wire->end);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    if (count <= 0) return -1;
    wire->end += (size_t)count;
  }
}
