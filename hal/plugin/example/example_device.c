/* An example of a vendor's library: both roles, in plain C, against the simulated fibre.
 *
 *   node: the socket of cloister-fibre   the light of one box reaches the other
 *   no node                              a dark laboratory: the transmitter sends to nobody, the receiver counts in the
 *                                        dark; what cloister-hal-check needs
 *
 * A real device differs in where symbols and clicks come from, and in nothing else that Cloister sees. */

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "../cloister_hal.h"
#include "fibre_wire.h"
#include "light.h"

struct cloister_hal_device {
  struct cloister_hal_settings settings;
  int has_node;
  struct fibre_wire wire;
  struct light light;
  int running;
  uint32_t epoch;
  int epoch_is_new;   /* transmitter: the host has not been told yet */
  uint64_t progress;  /* transmitter: slots sent so far */
  uint64_t measured;  /* and up to which its meters have been shown, without a node */
  struct timespec start;             /* without a node: when slot 0 was */
  struct fibre_message readings;     /* what the fibre's meters have said last, and has not been handed over */
  struct fibre_message frame;        /* receiver: what is left of the fibre's newest frame */
  uint64_t frame_base;               /* the slot that its offsets count from */
  uint64_t frame_done;               /* detections of it that have been handed over */
  uint64_t dark_slot, dark_state;    /* without a node: the next slot, the dice */
  char text[CLOISTER_HAL_TEXT_MAX];
};

static void set_text(struct cloister_hal_device *device, const char *text, size_t length) {
  if (length > sizeof device->text - 1) length = sizeof device->text - 1;
  memcpy(device->text, text, length);
  device->text[length] = 0;
}

static void say(struct cloister_hal_device *device, const char *text) { set_text(device, text, strlen(text)); }

static uint64_t slots_by_the_clock(const struct cloister_hal_device *device) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  const double seconds = (double)(now.tv_sec - device->start.tv_sec) + 1e-9 * (double)(now.tv_nsec - device->start.tv_nsec);
  return (uint64_t)(seconds * device->settings.clock_hz);
}

static void sleep_ms(uint32_t milliseconds) {
  const struct timespec wait = {.tv_sec = 0, .tv_nsec = (long)milliseconds * 1000000};
  nanosleep(&wait, NULL);
}

static void begin_epoch(struct cloister_hal_device *device, uint32_t epoch) {
  device->epoch = epoch;
  device->epoch_is_new = 1;
  device->progress = device->measured = 0;
  device->running = 1;
  say(device, "running");
}

static int example_open(const struct cloister_hal_settings *settings, struct cloister_hal_device **out) {
  struct cloister_hal_device *device = calloc(1, sizeof *device);
  if (device == NULL) return CLOISTER_HAL_ERROR;
  device->settings = *settings;
  device->has_node = settings->descriptor >= 0;
  if (settings->intensities != 2 && settings->intensities != 3) {
    settings->log("this device has one decoy, or two");
    free(device);
    return CLOISTER_HAL_ERROR;
  }
  uint8_t seed[32];
  if (getrandom(seed, sizeof seed, 0) != sizeof seed ||
      getrandom(&device->dark_state, sizeof device->dark_state, 0) != sizeof device->dark_state) {
    free(device);
    return CLOISTER_HAL_ERROR;
  }
  light_prepare(&device->light, seed, settings);
  if (device->has_node) {
    say(device, "waiting for the other end of the fibre");
    if (fibre_open(&device->wire, settings->descriptor) != 0 || fibre_hello(&device->wire, settings, seed) != 0) {
      settings->log("the fibre does not answer: is cloister-fibre running?");
      fibre_close(&device->wire);
      free(device);
      return CLOISTER_HAL_ERROR;
    }
  } else {
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_MONOTONIC, &device->start);
    begin_epoch(device, (uint32_t)wall.tv_sec);
  }
  memset(seed, 0, sizeof seed);
  *out = device;
  return CLOISTER_HAL_OK;
}

static int example_capabilities(struct cloister_hal_device *device, struct cloister_hal_capabilities *capabilities) {
  capabilities->intensities = device->settings.intensities;
  capabilities->clock_hz = device->settings.clock_hz;
  capabilities->key_basis_probability = device->settings.key_basis_probability;
  memcpy(capabilities->mean_photons, device->settings.mean_photons, sizeof capabilities->mean_photons);
  memcpy(capabilities->intensity_probability, device->settings.intensity_probability,
         sizeof capabilities->intensity_probability);
  capabilities->detections_per_second_max = 1e7;
  /* A host of the first release has no place for them. */
  if (capabilities->size >= sizeof *capabilities)
    capabilities->meters = device->settings.role == CLOISTER_HAL_TRANSMITTER
                               ? CLOISTER_HAL_METER_OUTPUT_POWER | CLOISTER_HAL_METER_RETURNED_LIGHT
                               : CLOISTER_HAL_METER_PHOTOCURRENT | CLOISTER_HAL_METER_ARRIVALS | CLOISTER_HAL_METER_DIMMED_GATES;
  return CLOISTER_HAL_OK;
}

/* The next message that has work in it: 1, 0 after the timeout, or CLOISTER_HAL_ERROR. */
static int listen_to_fibre(struct cloister_hal_device *device, struct fibre_message *message, uint32_t timeout_ms) {
  const int found = fibre_next(&device->wire, message, timeout_ms);
  if (found < 0) {
    device->settings.log("the fibre has gone: is cloister-fibre running?");
    return CLOISTER_HAL_ERROR;
  }
  if (found == 0) return 0;
  switch (message->type) {
    case FIBRE_START:
      begin_epoch(device, message->epoch);
      break;
    case FIBRE_STOPPED:
      device->running = 0;
      set_text(device, (const char *)message->packed, (size_t)message->count);
      break;
    case FIBRE_REFUSED:
      set_text(device, (const char *)message->packed, (size_t)message->count);
      device->settings.log(device->text);
      return CLOISTER_HAL_ERROR;
    case FIBRE_RECEIVER_READINGS:
    case FIBRE_TRANSMITTER_READINGS:
      device->readings = *message;
      break;
    case FIBRE_PROGRESS:
    case FIBRE_DETECTIONS:
      break;
  }
  return 1;
}

/* With a node the fibre's meters; without one a laser that is as it should be, and into which nobody shines. */
static void show_transmitter_meters(struct cloister_hal_device *device, struct cloister_hal_symbols *symbols) {
  const struct fibre_message *said = &device->readings;
  if (symbols->size < sizeof *symbols) return;
  if (!device->has_node && device->progress > device->measured) {
    symbols->readings->meters = CLOISTER_HAL_METER_OUTPUT_POWER | CLOISTER_HAL_METER_RETURNED_LIGHT;
    symbols->readings->first_slot = device->measured;
    symbols->readings->slots = device->progress - device->measured;
    symbols->readings->output_power = 1;
    symbols->readings->output_deviation = 0.002;
    symbols->readings->returned_deviation = 1e-9;
    symbols->readings->returned_watts_max = 1e-6;
    device->measured = device->progress;
  }
  if (said->slots == 0) return;
  if (said->epoch == device->epoch) {
    const uint32_t size = symbols->readings->size;
    *symbols->readings = said->sent;
    symbols->readings->size = size;
  }
  device->readings.slots = 0;
}

/* Of the whole frame of the fibre, and of no part of it. */
static void show_receiver_meters(struct cloister_hal_device *device, struct cloister_hal_frame *frame) {
  const struct fibre_message *said = &device->readings;
  if (frame->size >= sizeof *frame && said->slots == frame->slots && said->first == frame->first_slot &&
      said->epoch == frame->epoch) {
    const uint32_t size = frame->readings->size;
    *frame->readings = said->received;
    frame->readings->size = size;
  }
  device->readings.slots = 0;
}

static int example_transmit(struct cloister_hal_device *device, struct cloister_hal_symbols *symbols, uint32_t timeout_ms) {
  if (!device->epoch_is_new && device->progress <= symbols->first_slot + 1) {
    if (device->has_node) {
      struct fibre_message message;
      const int found = listen_to_fibre(device, &message, timeout_ms);
      if (found < 0) return found;
      if (found == 1 && message.type == FIBRE_PROGRESS) device->progress = message.slots;
    } else {
      sleep_ms(5);
      device->progress = slots_by_the_clock(device);
    }
  }
  if (device->epoch_is_new) {
    device->epoch_is_new = 0;
    symbols->epoch = device->epoch;
    return CLOISTER_HAL_EPOCH;
  }
  show_transmitter_meters(device, symbols);
  if (device->progress <= symbols->first_slot + 1) return CLOISTER_HAL_AGAIN;
  const uint64_t ready = (device->progress - symbols->first_slot) / 2 * 2;
  symbols->slots = ready < symbols->slots_max ? ready : symbols->slots_max;
  light_symbols(&device->light, device->epoch, symbols->first_slot, symbols->slots, symbols->symbols);
  return CLOISTER_HAL_OK;
}

/* What is left of the fibre's frame, as far as the host's memory goes. */
static int hand_over(struct cloister_hal_device *device, struct cloister_hal_frame *frame) {
  struct fibre_message *from = &device->frame;
  const uint64_t left = from->count - device->frame_done;
  const uint64_t count = left < frame->detections_max ? left : frame->detections_max;
  uint64_t last = 0;
  frame->epoch = from->epoch;
  frame->first_slot = from->first;
  frame->lost = from->lost;
  frame->detection_count = (uint32_t)count;
  for (uint64_t i = 0; i < count; i++) {
    const uint8_t *word = from->packed + 4 * (device->frame_done + i);
    const uint32_t click = (uint32_t)word[0] | (uint32_t)word[1] << 8 | (uint32_t)word[2] << 16 | (uint32_t)word[3] << 24;
    last = device->frame_base + (click >> 3);
    frame->detections[i] = (struct cloister_hal_detection){.offset = (uint32_t)(last - from->first),
                                                           .basis = click >> 2 & 1,
                                                           .bit = click >> 1 & 1,
                                                           .flags = click & 1,
                                                           .reserved = 0};
  }
  device->frame_done += count;
  frame->slots = count == left ? from->slots : last + 1 - from->first;
  from->first += frame->slots;
  from->slots -= frame->slots;
  show_receiver_meters(device, frame);
  return CLOISTER_HAL_OK;
}

static uint64_t roll(struct cloister_hal_device *device) { /* xorshift64*; nothing here is secret */
  device->dark_state ^= device->dark_state >> 12;
  device->dark_state ^= device->dark_state << 25;
  device->dark_state ^= device->dark_state >> 27;
  return device->dark_state * 0x2545f4914f6cdd1du;
}

static double roll_share(struct cloister_hal_device *device) { return (double)(roll(device) >> 11) * 0x1p-53; }

enum { BINS = CLOISTER_HAL_ARRIVAL_BINS };

/* What the meters of a laboratory would show, where clicks come at any time of the gate: of a gate in a hundred, which is dimmed,
 * half as often as of another. */
static void measure_the_dark(struct cloister_hal_device *device, struct cloister_hal_frame *frame) {
  if (frame->size < sizeof *frame) return;
  const double share = 0.01;
  struct cloister_hal_receiver_readings *readings = frame->readings;
  readings->meters = CLOISTER_HAL_METER_PHOTOCURRENT | CLOISTER_HAL_METER_ARRIVALS | CLOISTER_HAL_METER_DIMMED_GATES;
  readings->clicks = frame->detection_count;
  readings->photocurrent_deviation = 1e-8;
  readings->dark_amperes = 5e-8;
  readings->coulombs_per_click = 1e-13;
  const double seconds = (double)frame->slots / device->settings.clock_hz;
  readings->photocurrent_amperes =
      readings->dark_amperes + readings->coulombs_per_click * (double)frame->detection_count / seconds;
  readings->dimmed_share = share;
  for (uint32_t i = 0; i < frame->detection_count; i++) {
    if (roll_share(device) < share / 2 / (share / 2 + 1 - share))
      readings->dimmed_clicks++;
    else
      readings->other_clicks++;
    readings->arrivals[frame->detections[i].bit][roll(device) % BINS]++;
  }
  for (unsigned bit = 0; bit < 2; bit++)
    for (unsigned bin = 0; bin < BINS; bin++) readings->arrivals_expected[bit][bin] = 1.0 / BINS;
}

/* About 20,000 clicks a second of darkness. */
static int count_in_the_dark(struct cloister_hal_device *device, struct cloister_hal_frame *frame) {
  sleep_ms(10);
  const uint64_t now = slots_by_the_clock(device);
  if (now <= device->dark_slot) return CLOISTER_HAL_AGAIN;
  const uint64_t gap_max = (uint64_t)(device->settings.clock_hz / 10000) + 1;
  frame->epoch = device->epoch;
  frame->first_slot = device->dark_slot;
  frame->slots = now - device->dark_slot;
  frame->lost = 0;
  uint32_t count = 0;
  for (uint64_t at = roll(device) % gap_max; at < frame->slots && count < frame->detections_max; count++) {
    const uint64_t dice = roll(device);
    const int z = roll_share(device) < device->settings.key_basis_probability;
    frame->detections[count] = (struct cloister_hal_detection){
        .offset = (uint32_t)at, .basis = z ? 0 : 1, .bit = dice & 1, .flags = (dice >> 1 & 1023) == 0, .reserved = 0};
    at += 1 + roll(device) % gap_max;
  }
  frame->detection_count = count;
  measure_the_dark(device, frame);
  device->dark_slot = now;
  return CLOISTER_HAL_OK;
}

static int example_receive(struct cloister_hal_device *device, struct cloister_hal_frame *frame, uint32_t timeout_ms) {
  if (!device->has_node) return count_in_the_dark(device, frame);
  if (device->frame.slots > 0) return hand_over(device, frame);
  const int found = listen_to_fibre(device, &device->frame, timeout_ms);
  if (found < 0) return found;
  if (found == 0 || device->frame.type != FIBRE_DETECTIONS) {
    device->frame.slots = 0;
    return CLOISTER_HAL_AGAIN;
  }
  device->frame_done = 0;
  device->frame_base = device->frame.first;
  return hand_over(device, frame);
}

static int example_status(struct cloister_hal_device *device, struct cloister_hal_status *status) {
  status->running = (uint32_t)device->running;
  memcpy(status->text, device->text, sizeof status->text);
  return CLOISTER_HAL_OK;
}

static void example_close(struct cloister_hal_device *device) {
  if (device->has_node) fibre_close(&device->wire);
  memset(device, 0, sizeof *device);
  free(device);
}

const struct cloister_hal_driver *cloister_hal_entry(uint32_t abi) {
  static const struct cloister_hal_driver driver = {.size = sizeof driver,
                                                    .abi = CLOISTER_HAL_ABI,
                                                    .roles = CLOISTER_HAL_TRANSMITTER | CLOISTER_HAL_RECEIVER,
                                                    .reserved = 0,
                                                    .name = "Cloister example device 1",
                                                    .open = example_open,
                                                    .capabilities = example_capabilities,
                                                    .receive = example_receive,
                                                    .transmit = example_transmit,
                                                    .status = example_status,
                                                    .close = example_close};
  return abi == CLOISTER_HAL_ABI ? &driver : NULL;
}
