#ifndef CLOISTER_HAL_H
#define CLOISTER_HAL_H
/* How a vendor's library drives its quantum hardware for Cloister. C11, C++11 or anything that speaks the C ABI.
 *
 *   library  ── cloister_hal_entry(1) ──▶ struct cloister_hal_driver
 *   open ─▶ capabilities ─▶ receive, receive, …  (or transmit, transmit, …), status in between ─▶ close
 *
 * Where it runs. The library is loaded into a process of its own, which has no network, no files, no other process and
 * a user of its own. It may compute, allocate, start up to 16 threads, sleep, and use the one open descriptor that it is
 * given: read, write, ioctl, mmap, poll. Any other system call ends the process; its constructors are bound by the same
 * rules. It may need libc, libm, libgcc_s and libstdc++ (DT_NEEDED); everything else is to be linked in statically.
 *
 * Threads. All functions are called from one thread, never two at once. `receive` and `transmit` may block for at most
 * `timeout_ms`, the others for at most one second. A call that takes three seconds ends the process.
 *
 * Ownership. Memory that the host passes in is valid during the call and no longer. Memory that a library returns (the
 * driver and its texts) is valid as long as the process.
 *
 * Slots. A slot is one pulse of the transmitter's clock. Both ends count alike, below this interface: the pulse that one
 * numbers n the other numbers n. Counting starts at 0 with each epoch; an epoch begins when both ends lock, and has a
 * number that both know and that has not been used before in this pair of devices.
 *
 * What is lost. The host's memory is a ring. A receiver that finds it full is not asked for frames: it drops detections
 * and says in `lost` how many. A transmitter's symbols stay for at least one second and are then overwritten: light does
 * not wait.
 *
 * What goes wrong. A library that breaks these rules is ended, an alarm is raised, and it is started again. Its hardware
 * must survive that: the descriptor is closed, `close` is not called. */

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Changes with anything that breaks a compiled library. What is added without breaking any is added behind the last
 * member of a struct, whose `size` says how far it goes: neither side touches what is beyond the other's. */
#define CLOISTER_HAL_ABI 1u

/* What a function returns; any other value is a failure. */
#define CLOISTER_HAL_OK 0
#define CLOISTER_HAL_AGAIN 1  /* nothing within the timeout */
#define CLOISTER_HAL_EPOCH 2  /* transmit only: a new epoch has begun; `epoch` is set, no symbols are */
#define CLOISTER_HAL_ERROR (-1) /* the device has failed; say why by `log` before */

#define CLOISTER_HAL_TRANSMITTER 1u
#define CLOISTER_HAL_RECEIVER 2u

#define CLOISTER_HAL_BASIS_Z 0u /* the key basis */
#define CLOISTER_HAL_BASIS_X 1u /* the test basis */

#define CLOISTER_HAL_INTENSITIES_MAX 4u
#define CLOISTER_HAL_TEXT_MAX 96u

/* Meters, or-ed: what a device watches itself with, against light that makes no error. */
#define CLOISTER_HAL_METER_PHOTOCURRENT 1u   /* receiver: the current through the detectors */
#define CLOISTER_HAL_METER_ARRIVALS 2u       /* receiver: when clicks come within their gates */
#define CLOISTER_HAL_METER_DIMMED_GATES 4u   /* receiver: clicks of gates that it dims at random */
#define CLOISTER_HAL_METER_OUTPUT_POWER 8u   /* transmitter: at a tap before the fibre */
#define CLOISTER_HAL_METER_RETURNED_LIGHT 16u /* transmitter: light that comes out of the fibre */
#define CLOISTER_HAL_ARRIVAL_BINS 64u

/* What the operator wants; the same on both boxes. A device that cannot do it fails in `open` and says why by `log`. */
struct cloister_hal_settings {
  uint32_t size;                /* bytes of this struct */
  uint32_t role;                /* CLOISTER_HAL_TRANSMITTER or CLOISTER_HAL_RECEIVER */
  int32_t descriptor;           /* the open device node or connected local socket; -1: none is configured */
  uint32_t intensities;         /* how many of the next two arrays count: 2, signal and decoy; 3, and a second decoy */
  double clock_hz;              /* slots per second */
  double key_basis_probability; /* how often this end chooses Z */
  double mean_photons[CLOISTER_HAL_INTENSITIES_MAX]; /* per pulse, the brightest first */
  double intensity_probability[CLOISTER_HAL_INTENSITIES_MAX];
  /* For a person: one line of printable ASCII, of which CLOISTER_HAL_TEXT_MAX - 1 characters are kept; the newest line
   * replaces the one before. May be called at any time from the calling thread. */
  void (*log)(const char *text);
};

/* What the hardware does with these settings. A difference to them ends it: no key is made of what was not asked for. */
struct cloister_hal_capabilities {
  uint32_t size; /* set by the host: bytes of this struct */
  uint32_t intensities;
  double clock_hz;
  double key_basis_probability;
  double mean_photons[CLOISTER_HAL_INTENSITIES_MAX];
  double intensity_probability[CLOISTER_HAL_INTENSITIES_MAX];
  double detections_per_second_max; /* what the detectors can report at most; above it, it is a flood. Receiver only */
  /* Up to here in the first release. What a library was not compiled with stays 0. */
  uint32_t meters;   /* those of its role that the device has; one that is said to be there and is silent for 0.1 s is an alarm */
  uint32_t reserved; /* 0 */
};

/* One click: 8 bytes. Where both detectors of a basis clicked, `bit` is drawn at random by the device and `flags` says
 * so; a double click is never left out. */
struct cloister_hal_detection {
  uint32_t offset; /* slot - frame.first_slot */
  uint8_t basis;
  uint8_t bit;
  uint8_t flags;    /* bit 0: double click; the others 0 */
  uint8_t reserved; /* 0 */
};
#define CLOISTER_HAL_DOUBLE_CLICK 1u

/* What a receiver's meters have shown of a frame's slots. Each value stands beside what it is by the device's calibration when
 * nobody touches the device; deviations are standard deviations of Gaussian noise. */
struct cloister_hal_receiver_readings {
  uint32_t size;                       /* set by the host */
  uint32_t meters;                     /* which of them speak of this frame; the host sets 0 */
  uint64_t clicks;                     /* in these slots, as the meters' electronics count them: those reported, and those lost */
  double photocurrent_amperes;         /* mean, all detectors together */
  double photocurrent_deviation;
  double dark_amperes;                 /* calibrated: without a click */
  double coulombs_per_click;           /* calibrated: of one avalanche */
  uint64_t dimmed_clicks;              /* of gates that the device drew at random to halve their efficiency */
  uint64_t other_clicks;               /* of all others */
  double dimmed_share;                 /* of the gates */
  /* Of the detectors of bit 0 and of bit 1: the gate's time in bins of equal width; what is outside is in the first or the last. */
  uint32_t arrivals[2][CLOISTER_HAL_ARRIVAL_BINS];
  double arrivals_expected[2][CLOISTER_HAL_ARRIVAL_BINS]; /* calibrated: shares, which add up to 1 */
};

/* A run of watched slots, [first_slot, first_slot + slots), and all clicks in it, by ascending slot, at most one a slot.
 * About 10 ms of slots; fewer where detections_max would not do. Within an epoch frames ascend and do not overlap; slots
 * between two frames were not watched. */
struct cloister_hal_frame {
  uint32_t size;                             /* set by the host */
  uint32_t epoch;                            /* from here on set by the library, but where it says otherwise */
  uint64_t first_slot;
  uint64_t slots;                            /* 1 to 2^32 */
  uint64_t lost;                             /* clicks dropped since the epoch began because the box was late */
  uint32_t detection_count;
  uint32_t detections_max;                   /* set by the host */
  struct cloister_hal_detection *detections; /* set by the host: memory for detections_max of them, in the ring */
  /* Up to here in the first release. */
  struct cloister_hal_receiver_readings *readings; /* set by the host, zeroed: of all slots of this frame, and of no others */
};

/* What a transmitter's meters have shown of a run of slots, as a receiver's. Light of slots of which not all of its meters have spoken makes
 * no key: the runs of readings go on without a gap, and come no later than the light can reach the far box. */
struct cloister_hal_transmitter_readings {
  uint32_t size;                  /* set by the host */
  uint32_t meters;                /* which of them speak; the host sets 0: no readings this time */
  uint64_t first_slot;            /* 0 in a new epoch, then where the last readings ended */
  uint64_t slots;                 /* 1 to 2^32; about 10 ms of them */
  double output_power;            /* over what it is calibrated to: 1 */
  double output_deviation;
  double returned_watts;          /* that come out of the fibre */
  double returned_deviation;
  double returned_watts_max;      /* calibrated, by the optics' isolation: more would let too much of the settings out */
};

/* A run of slots that light was sent in. `symbols` holds two slots a byte, the even slot in the low four bits:
 *   bit 0: the bit    bit 1: the basis    bits 2 and 3: the intensity, by its place in mean_photons
 * The host asks for the slots in order, first_slot is even, and so is what `slots` is set to. No symbol may reach the
 * ring later than its light can reach the far box. */
struct cloister_hal_symbols {
  uint32_t size;      /* set by the host */
  uint32_t epoch;     /* set by the host; with CLOISTER_HAL_EPOCH by the library */
  uint64_t first_slot; /* set by the host: 0 after a new epoch, then where the last run ended */
  uint64_t slots_max; /* set by the host, even */
  uint64_t slots;     /* set by the library: 1 to slots_max */
  uint8_t *symbols;   /* set by the host: memory for slots_max symbols, in the ring */
  /* Up to here in the first release. */
  struct cloister_hal_transmitter_readings *readings; /* set by the host, zeroed; read with CLOISTER_HAL_OK and CLOISTER_HAL_AGAIN */
};

struct cloister_hal_status {
  uint32_t size;    /* set by the host */
  uint32_t running; /* 1: light flows and both ends are locked */
  char text[CLOISTER_HAL_TEXT_MAX]; /* "running", or what the device waits for; printable ASCII, ends with 0 */
};

struct cloister_hal_device; /* the library's own */

struct cloister_hal_driver {
  uint32_t size;  /* sizeof(struct cloister_hal_driver) as the library was compiled */
  uint32_t abi;   /* CLOISTER_HAL_ABI as the library was compiled */
  uint32_t roles; /* CLOISTER_HAL_TRANSMITTER, CLOISTER_HAL_RECEIVER or both, or-ed */
  uint32_t reserved;
  const char *name; /* "Example device 1.0", for a person */
  int (*open)(const struct cloister_hal_settings *settings, struct cloister_hal_device **device);
  int (*capabilities)(struct cloister_hal_device *device, struct cloister_hal_capabilities *capabilities);
  int (*receive)(struct cloister_hal_device *device, struct cloister_hal_frame *frame, uint32_t timeout_ms);
  int (*transmit)(struct cloister_hal_device *device, struct cloister_hal_symbols *symbols, uint32_t timeout_ms);
  int (*status)(struct cloister_hal_device *device, struct cloister_hal_status *status);
  void (*close)(struct cloister_hal_device *device);
};

/* The one symbol that a library exports. NULL: it does not speak this version. */
const struct cloister_hal_driver *cloister_hal_entry(uint32_t abi);

#ifdef __cplusplus
}
#endif
#endif
