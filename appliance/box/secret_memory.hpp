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
/// What cloister.service may lock is LimitMEMLOCK=300M; the rest of it is for the devices' rings.
inline constexpr std::uint64_t secret_bytes_of_unit = 256 * mebibyte;

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

/// How large the arena is: what is needed, and as much again of what the unit allows, for a reload that adds to it.
inline std::uint64_t secret_bytes_reserved(const config::Configuration& configuration) {
  const auto needed = secret_bytes_needed(configuration);
  return std::max(needed, std::min(2 * needed, secret_bytes_of_unit));
}

/// What is to be said of a configuration that the unit as it is delivered has too little memory for.
inline std::optional<std::string> too_little_for(const config::Configuration& configuration) {
  const auto needed = secret_bytes_needed(configuration);
  if (needed <= secret_bytes_of_unit) return std::nullopt;
  return std::format(
      "its secrets need {} MiB of locked memory, more than the {} MiB that cloister.service has for them: put "
      "'LimitMEMLOCK={}M' under [Service] into a drop-in ('systemctl edit cloister'), or shorten block_bits, or stocks",
      needed / mebibyte, secret_bytes_of_unit / mebibyte, needed / mebibyte + 44);
}

}  // namespace cloister::box
