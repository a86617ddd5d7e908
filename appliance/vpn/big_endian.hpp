#pragma once
/// Numbers in network byte order at a known place of a packet whose length has been checked.

#include <cstddef>
#include <cstdint>
#include <span>

namespace cloister::vpn {

[[nodiscard]] inline std::uint16_t load_u16(std::span<const std::byte> bytes) {
  return static_cast<std::uint16_t>((std::to_integer<unsigned>(bytes[0]) << 8U) | std::to_integer<unsigned>(bytes[1]));
}

[[nodiscard]] inline std::uint32_t load_u32(std::span<const std::byte> bytes) {
  return (std::uint32_t{load_u16(bytes)} << 16U) | load_u16(bytes.subspan(2));
}

[[nodiscard]] inline std::uint64_t load_u64(std::span<const std::byte> bytes) {
  return (std::uint64_t{load_u32(bytes)} << 32U) | load_u32(bytes.subspan(4));
}

inline void store_u16(std::span<std::byte> out, std::size_t value) {
  out[0] = static_cast<std::byte>(value >> 8U);
  out[1] = static_cast<std::byte>(value);
}

inline void store_u32(std::span<std::byte> out, std::uint32_t value) {
  store_u16(out, value >> 16U);
  store_u16(out.subspan(2), value & 0xFFFFU);
}

inline void store_u64(std::span<std::byte> out, std::uint64_t value) {
  store_u32(out, static_cast<std::uint32_t>(value >> 32U));
  store_u32(out.subspan(4), static_cast<std::uint32_t>(value));
}

}  // namespace cloister::vpn
