#pragma once
/// How much secret memory a configuration needs at most: docs/decisions/0012-copies-of-secrets.md has the reckoning.

#include <algorithm>
#include <cstdint>
#include <format>
#include <optional>
#include <string>

#include "appliance/box/distillation_parameters.hpp"
#include "appliance/distill/block.hpp"
#include "appliance/distill/quarantine.hpp"
#include "config/model.hpp"
#include "hal/plugin/ring.hpp"

namespace cloister::box {

inline constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;
/// OpenSSL's state and handshakes, answers of the TPM, the self-tests.
inline constexpr std::uint64_t secret_bytes_of_box = 16 * mebibyte;
/// Detections on their way to a block, and a block's amplification.
inline constexpr std::uint64_t secret_bytes_of_link = 8 * mebibyte;
/// While it is reconciled, with its places in all passes.
inline constexpr std::uint64_t secret_bytes_of_sifted_bit = 2;
/// A pad of 16 bytes has a grain of the arena (64 bytes) to itself, and the sealed reserve is there as record and as chunks.
inline constexpr std::uint64_t secret_bytes_of_reserve_byte = 8;
/// Four while it rekeys, each with its round keys and the powers of its hash key.
inline constexpr std::uint64_t secret_bytes_of_sas = 4UZ * 4096;
/// A grain, in two directions, once more while a block is divided.
inline constexpr std::uint64_t secret_bytes_of_stocked_key = 4UZ * 64;
/// Of one-time pad, both directions: half of it in SAs, half in stocks, as keys of half a grain, once more while a block is
/// divided.
inline constexpr std::uint64_t secret_bytes_of_pad_byte = 6;
inline constexpr std::uint64_t secret_bytes_of_pad_window = 64UZ * 1024;
/// LimitMEMLOCK of cloister.service as it is delivered.
inline constexpr std::uint64_t unit_locked_bytes = 300 * mebibyte;
/// More of the arena than is needed, for a reload that adds to it.
inline constexpr std::uint64_t arena_bytes_usual = 256 * mebibyte;

/// Of finished keys one block is made at a time (512 keys of 8192 bits at most), and with its copies, and an answer's text and JSON
/// (hal::etsi014::json_bytes_max), it is less than what a link has anyhow.
inline std::uint64_t secret_bytes_of_blocks(const config::Link& link) {
  if (link.device.gives_finished_keys()) return 0;
  return distill::open_blocks_max(parameters_of(link.distillation)) * link.distillation.block_bits *
             secret_bytes_of_sifted_bit +
         distill::unheld_bits_max(link.device.quarantine) / 8;
}

/// In whole MiB.
inline std::uint64_t secret_bytes_needed(const config::Configuration& configuration) {
  std::uint64_t bytes = secret_bytes_of_box;
  for (const auto& link : configuration.links) {
    bytes += secret_bytes_of_link + secret_bytes_of_blocks(link) +
             link.authentication.reserve_bytes * secret_bytes_of_reserve_byte;
  }
  for (const auto& tunnel : configuration.tunnels) {
    bytes += tunnel.cipher == config::Cipher::one_time_pad
                 ? tunnel.pad_bytes * secret_bytes_of_pad_byte + secret_bytes_of_pad_window
                 : secret_bytes_of_sas + tunnel.stock * secret_bytes_of_stocked_key;
  }
  return (bytes + mebibyte - 1) / mebibyte * mebibyte;
}

/// The rings of the vendors' devices, which are locked beside the arena, in whole MiB.
inline std::uint64_t ring_bytes_needed(const config::Configuration& configuration) {
  std::uint64_t bytes = 0;
  for (const auto& link : configuration.links) {
    if (link.device.driver != "plugin") continue;
    hal::plugin::Order order{};
    if (link.device.role == config::DeviceRole::alice) {
      order.window_slots = hal::plugin::window_slots_at(link.device.clock_hz);
    } else {
      order.frame_slots = hal::plugin::frames_in_ring;
      order.detections_max = hal::plugin::detections_in_frame_max;
    }
    bytes += hal::plugin::ring_bytes(order);
  }
  return (bytes + mebibyte - 1) / mebibyte * mebibyte;
}

/// How large the arena is: what is needed, and as much again of what may be locked.
inline std::uint64_t secret_bytes_reserved(const config::Configuration& configuration, std::uint64_t lockable) {
  const auto needed = secret_bytes_needed(configuration);
  const auto rings = ring_bytes_needed(configuration);
  const auto left = std::min(lockable - std::min(lockable, rings), arena_bytes_usual);
  return std::max(needed, std::min(2 * needed, left));
}

/// Why a service that may lock so much has too little for its secrets, or nothing.
inline std::optional<std::string> too_little_for(const config::Configuration& configuration, std::uint64_t lockable) {
  const auto secrets = secret_bytes_needed(configuration);
  const auto rings = ring_bytes_needed(configuration);
  if (secrets + rings <= lockable) return std::nullopt;
  return std::format(
      "its secrets need {} MiB of locked memory{}, and the service may lock {} MiB (LimitMEMLOCK): put "
      "'LimitMEMLOCK={}M' under [Service] into a drop-in ('systemctl edit cloister'), or shorten block_bits, or stocks",
      secrets / mebibyte, rings == 0 ? "" : std::format(" and its devices' rings {} MiB", rings / mebibyte),
      lockable / mebibyte, (secrets + rings) / mebibyte);
}

/// What a service that runs has locked for secrets, and may lock in all; its devices' rings lie beside it.
struct LockedMemory {
  std::uint64_t arena = 0;
  bool arena_locked = true;
  std::uint64_t lockable = 0;
};

/// Why a service cannot take this configuration up while it runs, or nothing.
inline std::optional<std::string> no_room_for(const config::Configuration& configuration, const LockedMemory& memory) {
  const auto secrets = secret_bytes_needed(configuration);
  const auto rings = ring_bytes_needed(configuration);
  if (secrets > memory.arena)
    return std::format("needs {} MiB for secrets, and the service began with {}: restart it", secrets / mebibyte,
                       memory.arena / mebibyte);
  const auto locked = memory.arena_locked ? memory.arena : 0;
  if (rings == 0 || rings <= memory.lockable - std::min(memory.lockable, locked)) return std::nullopt;
  if (auto too_little = too_little_for(configuration, memory.lockable))
    return std::format("cannot be taken up: {}, and restart it", *too_little);
  return std::format(
      "needs {} MiB for its devices' rings beside the {} MiB that the service began with for secrets, and "
      "it may lock {} MiB (LimitMEMLOCK): restart it",
      rings / mebibyte, memory.arena / mebibyte, memory.lockable / mebibyte);
}

}  // namespace cloister::box
