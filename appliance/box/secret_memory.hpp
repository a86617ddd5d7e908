#pragma once
/// How much secret memory a configuration needs at most: docs/decisions/0012-copies-of-secrets.md has the reckoning.

#include <algorithm>
#include <cstdint>
#include <format>
#include <optional>
#include <string>

#include "appliance/box/distillation_parameters.hpp"
#include "appliance/distill/block.hpp"
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
/// LimitMEMLOCK of cloister.service as it is delivered.
inline constexpr std::uint64_t unit_locked_bytes = 300 * mebibyte;
/// More of the arena than is needed, for a reload that adds to it.
inline constexpr std::uint64_t arena_bytes_usual = 256 * mebibyte;

/// In whole MiB.
inline std::uint64_t secret_bytes_needed(const config::Configuration& configuration) {
  std::uint64_t bytes = secret_bytes_of_box;
  for (const auto& link : configuration.links) {
    const auto open = distill::open_blocks_max(parameters_of(link.distillation));
    bytes += secret_bytes_of_link + open * link.distillation.block_bits * secret_bytes_of_sifted_bit +
             link.authentication.reserve_bytes * secret_bytes_of_reserve_byte;
  }
  for (const auto& tunnel : configuration.tunnels)
    bytes += secret_bytes_of_sas + tunnel.stock * secret_bytes_of_stocked_key;
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

}  // namespace cloister::box
