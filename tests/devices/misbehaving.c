/* A device that breaks one rule of cloister_hal.h, named by BEHAVIOUR when it is compiled; "honest" breaks none. A transmitter where the
 * name says so, else a receiver. */

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "hal/plugin/cloister_hal.h"

#define IS(name) (strcmp(BEHAVIOUR, name) == 0)

struct cloister_hal_device {
  struct cloister_hal_settings settings;
  uint64_t slot;
  uint32_t epoch, calls;
};

static void sleep_ms(long milliseconds) {
  const struct timespec wait = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};
  nanosleep(&wait, NULL);
}

static void sleep_for_ever(void) {
  for (;;) sleep_ms(1000);
}

__attribute__((constructor)) static void when_loaded(void) {
  if (IS("constructor-socket")) socket(AF_INET, SOCK_STREAM, 0);
  if (IS("constructor-hang")) sleep_for_ever();
  if (IS("constructor-files")) {
    /* The loader needs openat, so it is not forbidden yet; there is nothing to be found. */
    const char *paths[] = {"/etc/passwd", "/proc/self/maps", "/dev/null", "/tmp", "/usr/bin/sh", "/var/lib/cloister"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
      if (open(paths[i], O_RDONLY) >= 0) abort();
    if (open("/found", O_WRONLY | O_CREAT, 0600) >= 0) abort();
  }
}

static void *another_thread(void *unused) { return unused; }

static int bad_open(const struct cloister_hal_settings *settings, struct cloister_hal_device **out) {
  struct cloister_hal_device *device = calloc(1, sizeof *device);
  if (device == NULL || IS("refuses")) {
    settings->log("the laser is \x01 locked");
    return CLOISTER_HAL_ERROR;
  }
  device->settings = *settings;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  device->epoch = (uint32_t)now.tv_sec;
  *out = device;
  return CLOISTER_HAL_OK;
}

static int bad_capabilities(struct cloister_hal_device *device, struct cloister_hal_capabilities *capabilities) {
  capabilities->intensities = IS("other-intensities") ? 3 : device->settings.intensities;
  capabilities->clock_hz = IS("other-clock") ? 2 * device->settings.clock_hz : device->settings.clock_hz;
  capabilities->key_basis_probability = device->settings.key_basis_probability;
  memcpy(capabilities->mean_photons, device->settings.mean_photons, sizeof capabilities->mean_photons);
  memcpy(capabilities->intensity_probability, device->settings.intensity_probability,
         sizeof capabilities->intensity_probability);
  if (IS("other-second-decoy")) capabilities->mean_photons[2] = 0.05;
  capabilities->detections_per_second_max = IS("no-limit") ? 1e12 : 1e5;
  if (IS("meters-unknown")) capabilities->meters = CLOISTER_HAL_METER_OUTPUT_POWER; /* of the other role */
  if (IS("meters-silent") || IS("meters-clicks") || IS("meters-blinded")) capabilities->meters = CLOISTER_HAL_METER_PHOTOCURRENT;
  return CLOISTER_HAL_OK;
}

/* What breaks the rules by what it does, not by what it says. */
static void act(const struct cloister_hal_frame *frame) {
  if (IS("hang")) sleep_for_ever();
  if (IS("crash")) *(volatile int *)8 = 1;
  if (IS("abort")) abort();
  if (IS("exit")) _exit(0);
  if (IS("socket")) socket(AF_INET, SOCK_DGRAM, 0);
  if (IS("file")) open("/device.so", O_RDONLY);
  if (IS("fork")) fork();
  if (IS("kill")) kill(getppid(), 9);
  if (IS("executable")) mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (IS("shorten")) ftruncate(3, 0);
  if (IS("scribble")) /* over the ring's header, which lies somewhere before the first frame */
    memset((uint8_t *)((uintptr_t)frame->detections / 4096 * 4096) - 4096, 0xa5, 4096);
  if (IS("memory"))
    for (volatile uint8_t *piece; (piece = malloc(1 << 26)) != NULL;)
      for (size_t i = 0; i < 1 << 26; i += 4096) piece[i] = 1;
  if (IS("threads")) {
    pthread_t thread;
    for (int i = 0; i < 4; i++)
      if (pthread_create(&thread, NULL, another_thread, NULL) != 0 || pthread_join(thread, NULL) != 0) abort();
  }
}

static int bad_receive(struct cloister_hal_device *device, struct cloister_hal_frame *frame, uint32_t timeout_ms) {
  if (++device->calls > 20) act(frame);
  if (IS("silent")) {
    sleep_ms(timeout_ms);
    return CLOISTER_HAL_AGAIN;
  }
  if (!IS("fast")) sleep_ms(10);
  if (IS("fails") && device->calls > 20) {
    device->settings.log("detector 2 is at 300 K");
    return CLOISTER_HAL_ERROR;
  }
  const uint64_t slots = (uint64_t)(device->settings.clock_hz / 100);
  if (IS("epochs")) device->epoch++;
  frame->epoch = device->epoch;
  frame->first_slot = IS("back") ? device->slot / 2 : device->slot;
  frame->slots = IS("no-slots") ? 0 : slots;
  frame->lost = IS("lost-shrinks") ? 1000000 - device->slot / 1000 : 0;
  const uint32_t many = IS("flood") ? 20000 : 100;
  frame->detection_count = IS("count") ? 0xffffffff : many;
  for (uint32_t i = 0; i < many; i++)
    frame->detections[i] = (struct cloister_hal_detection){.offset = IS("descending") ? many - i : i * 4,
                                                           .basis = IS("basis") ? 2 : i % 10 >= 7,
                                                           .bit = IS("bit") ? 0xff : IS("constant") ? 0 : (i * 7 + device->calls) % 2,
                                                           .flags = IS("flags") ? 8 : 0,
                                                           .reserved = IS("reserved") ? 1 : 0};
  if (IS("meters-undeclared") || IS("meters-clicks") || IS("meters-blinded")) {
    frame->readings->meters = CLOISTER_HAL_METER_PHOTOCURRENT;
    frame->readings->clicks = IS("meters-clicks") ? UINT64_MAX : many;
    frame->readings->photocurrent_amperes = 1e-3;
  }
  if (IS("offset")) frame->detections[many - 1].offset = (uint32_t)slots;
  device->slot += IS("fast") ? 100 * slots : slots;
  return CLOISTER_HAL_OK;
}

static int bad_transmit(struct cloister_hal_device *device, struct cloister_hal_symbols *symbols, uint32_t timeout_ms) {
  (void)timeout_ms;
  if (device->calls++ == 0) {
    symbols->epoch = device->epoch;
    return IS("transmit-no-epoch") ? CLOISTER_HAL_OK : CLOISTER_HAL_EPOCH;
  }
  if (IS("transmit-hang") && device->calls > 20) sleep_for_ever();
  sleep_ms(10);
  symbols->slots = (uint64_t)(device->settings.clock_hz / 200) * 2;
  if (symbols->slots > symbols->slots_max) symbols->slots = symbols->slots_max;
  for (uint64_t i = 0; i < symbols->slots / 2; i++) symbols->symbols[i] = IS("transmit-intensity") ? 0xcc : (uint8_t)rand() & 0x77;
  if (IS("transmit-fast")) symbols->slots *= 1000;
  if (IS("transmit-back") && device->calls > 20) symbols->slots = -symbols->slots;
  return CLOISTER_HAL_OK;
}

static int bad_status(struct cloister_hal_device *device, struct cloister_hal_status *status) {
  status->running = 1;
  memset(status->text, IS("text") ? 0xff : 0, sizeof status->text);
  if (!IS("text")) strcpy(status->text, device->calls > 0 ? "running" : "starting");
  return CLOISTER_HAL_OK;
}

static void bad_close(struct cloister_hal_device *device) {
  if (IS("slow-close")) sleep_for_ever();
  free(device);
}

const struct cloister_hal_driver *cloister_hal_entry(uint32_t abi) {
  static struct cloister_hal_driver driver = {.size = sizeof driver,
                                              .abi = CLOISTER_HAL_ABI,
                                              .roles = strncmp(BEHAVIOUR, "transmit", 8) == 0 ? CLOISTER_HAL_TRANSMITTER
                                                                                      : CLOISTER_HAL_RECEIVER,
                                              .reserved = 0,
                                              .name = "A device that breaks rules",
                                              .open = bad_open,
                                              .capabilities = bad_capabilities,
                                              .receive = bad_receive,
                                              .transmit = bad_transmit,
                                              .status = bad_status,
                                              .close = bad_close};
  if (IS("old-abi")) driver.abi = 0;
  if (IS("no-receive")) driver.receive = NULL;
  return abi == CLOISTER_HAL_ABI && !IS("other-abi") ? &driver : NULL;
}
