#pragma once
/// The memory that the service shares with the process of a vendor's library: all that passes between the two.
///
///   Header │ receiver: frame_slots × (FrameHead, detections, readings)
///          │ transmitter: window_slots / 2 bytes of symbols, readings_kept × readings
///
/// The other process is not trusted. Whatever it can write is read once into own memory, then checked; what the service
/// goes by (sizes, positions) it keeps to itself. Nobody wakes anybody: both sides look every few milliseconds, so the
/// library has no means to keep the service busy. Numbers lie in the machine's own order; both processes are of one
/// release and one machine.

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "hal/plugin/cloister_hal.h"

namespace cloister::hal::plugin {

inline constexpr std::uint32_t ring_version = 2;

/// Where the library's process finds what it is given.
inline constexpr int ring_descriptor = 3;
inline constexpr int library_descriptor = 4;
inline constexpr int node_descriptor = 5;

/// What the library's process does just now; the service names it when it hangs or dies.
enum class Step : std::uint32_t {
  starting,
  closing_itself_in,
  loading,
  opening,
  asking_capabilities,
  receiving,
  transmitting,
  asking_status,
  waiting_for_room,
  closing,
  done
};

/// Set by the service before the start and never read back.
struct Order {
  std::uint32_t version = ring_version;
  std::uint32_t role = 0;
  std::uint32_t has_node = 0;
  std::uint32_t intensities = 0;
  double clock_hz = 0;
  double key_basis_probability = 0;
  std::array<double, CLOISTER_HAL_INTENSITIES_MAX> mean_photons{};
  std::array<double, CLOISTER_HAL_INTENSITIES_MAX> intensity_probability{};
  std::uint64_t frame_slots = 0;     ///< Receiver: frames in the ring.
  std::uint64_t detections_max = 0;  ///< Receiver: in one of them.
  std::uint64_t window_slots = 0;    ///< Transmitter: a power of two.
};

/// Said by a library's process that was asked for a role that the library has not.
inline constexpr const char* lacks_role = "does not have this role";

using Text = std::array<char, CLOISTER_HAL_TEXT_MAX>;

// Each writer has cache lines of its own, which costs padding.
struct alignas(64) Header {  // NOLINT(clang-analyzer-optin.performance.Padding)
  Order order;

  // By the service.
  alignas(64) std::atomic<std::uint64_t> consumed;  ///< Receiver: frames taken.
  std::atomic<std::uint32_t> stop;

  // By the library's process.
  alignas(64) std::atomic<std::uint64_t> heartbeat;  ///< Grows with every call of the library that returns.
  std::atomic<std::uint32_t> step;
  std::atomic<std::uint32_t> opened;  ///< 1 from when `capabilities` and `name` are final.
  std::atomic<std::uint32_t> running;
  Text name;
  Text status;
  Text said;  ///< The library's newest line of log, or why its process ended.
  cloister_hal_capabilities capabilities;

  alignas(64) std::atomic<std::uint64_t> produced;  ///< Receiver: frames written.

  // Transmitter. A new epoch: claimed = no_slot, epoch, sent = 0, claimed = 0. A run: claimed = its end at most, its
  // symbols, sent = its end. So symbols were whole if afterwards the epoch is still the same and `claimed` has not come
  // round to them.
  alignas(64) std::atomic<std::uint32_t> epoch;
  std::atomic<std::uint32_t> epochs;  ///< How many there have been; 0: none yet.
  std::atomic<std::uint64_t> sent;
  std::atomic<std::uint64_t> claimed;
  std::atomic<std::uint64_t> readings;  ///< Transmitter: how many were ever written; the newest overwrite the oldest.
};
inline constexpr std::uint64_t no_slot = UINT64_MAX;
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free);
static_assert(std::is_standard_layout_v<Header>);

struct FrameHead {
  std::uint32_t epoch = 0;
  std::uint32_t detection_count = 0;
  std::uint64_t first_slot = 0;
  std::uint64_t slots = 0;
  std::uint64_t lost = 0;
};
static_assert(sizeof(FrameHead) == 32 && sizeof(cloister_hal_detection) == 8);

/// A run of readings of the transmitter's, and the epoch it belongs to.
struct KeptReadings {
  std::uint32_t epoch = 0;
  std::uint32_t reserved = 0;
  cloister_hal_transmitter_readings readings{};
};
/// More than a second of them.
inline constexpr std::uint64_t readings_kept = 512;

inline constexpr std::size_t header_bytes = 4096;
static_assert(sizeof(Header) <= header_bytes);
static_assert(sizeof(cloister_hal_receiver_readings) % 8 == 0);

constexpr std::size_t frame_bytes(const Order& order) {
  return sizeof(FrameHead) + static_cast<std::size_t>(order.detections_max) * sizeof(cloister_hal_detection) +
         sizeof(cloister_hal_receiver_readings);
}
constexpr std::size_t ring_bytes(const Order& order) {
  return header_bytes + static_cast<std::size_t>(order.frame_slots) * frame_bytes(order) +
         static_cast<std::size_t>(order.window_slots / 2) +
         (order.window_slots == 0 ? 0 : readings_kept * sizeof(KeptReadings));
}

/// Of a receiver's ring: 0.6 s of frames of 10 ms, 3e6 detections a second, which is 16 MiB.
inline constexpr std::uint64_t frames_in_ring = 64;
inline constexpr std::uint64_t detections_in_frame_max = std::uint64_t{1} << 15;
/// Of a transmitter's: the slots of 1 to 2 seconds, which is 512 MiB for the fastest.
constexpr std::uint64_t window_slots_at(double clock_hz) {
  const auto second = std::bit_ceil(static_cast<std::uint64_t>(std::clamp(clock_hz, 1.0, 1e10)));
  return std::clamp(second, std::uint64_t{1} << 20, std::uint64_t{1} << 30);
}

}  // namespace cloister::hal::plugin
