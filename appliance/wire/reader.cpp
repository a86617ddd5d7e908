#include "appliance/wire/reader.hpp"

#include <bit>
#include <cmath>
#include <cstring>

namespace cloister::wire {

std::optional<std::span<const std::byte>> Reader::bytes(std::size_t count) {
  if (failed_ || count > bytes_.size()) {
    failed_ = true;
    return std::nullopt;
  }
  const auto taken = bytes_.first(count);
  bytes_ = bytes_.subspan(count);
  return taken;
}

template <class Unsigned>
std::optional<Unsigned> Reader::big_endian() {
  const auto taken = bytes(sizeof(Unsigned));
  if (!taken) return std::nullopt;
  std::uint64_t value = 0;
  for (const std::byte byte : *taken) value = (value << 8U) | std::to_integer<std::uint64_t>(byte);
  return static_cast<Unsigned>(value);
}

std::optional<std::uint8_t> Reader::u8() { return big_endian<std::uint8_t>(); }
std::optional<std::uint16_t> Reader::u16() { return big_endian<std::uint16_t>(); }
std::optional<std::uint32_t> Reader::u32() { return big_endian<std::uint32_t>(); }
std::optional<std::uint64_t> Reader::u64() { return big_endian<std::uint64_t>(); }

bool Reader::u64s(std::span<std::uint64_t> out) {
  const auto taken = bytes(out.size_bytes());
  if (!taken) return false;
  if (!out.empty()) std::memcpy(out.data(), taken->data(), taken->size());
  for (auto& value : out) value = std::byteswap(value);
  return true;
}

std::optional<double> Reader::f64() {
  const auto bits = u64();
  if (!bits) return std::nullopt;
  const auto value = std::bit_cast<double>(*bits);
  if (!std::isfinite(value)) {
    failed_ = true;
    return std::nullopt;
  }
  return value;
}

std::optional<std::uint64_t> Reader::varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const auto byte = u8();
    if (!byte) return std::nullopt;
    const std::uint64_t part = *byte & 0x7FU;
    const bool overflows = shift == 63 && part > 1;
    const bool has_padding = shift > 0 && *byte == 0;
    if (overflows || has_padding) break;
    value |= part << shift;
    if ((*byte & 0x80U) == 0) return value;
  }
  failed_ = true;
  return std::nullopt;
}

std::optional<BlockId> Reader::block_id() {
  const auto value = u64();
  if (!value) return std::nullopt;
  return BlockId{*value};
}

std::optional<KeyName> Reader::key_name() {
  const auto block = block_id();
  const auto index = u32();
  if (!block || !index) return std::nullopt;
  return KeyName{*block, *index};
}

std::optional<TunnelId> Reader::tunnel_id() {
  const auto value = u64();
  if (!value) return std::nullopt;
  return TunnelId{*value};
}

std::optional<std::string> Reader::text(std::size_t limit) {
  const auto length = u16();
  if (!length) return std::nullopt;
  if (*length > limit) {
    failed_ = true;
    return std::nullopt;
  }
  const auto taken = bytes(*length);
  if (!taken) return std::nullopt;
  std::string value;
  value.reserve(taken->size());
  for (const std::byte byte : *taken) value.push_back(static_cast<char>(byte));
  return value;
}

std::span<const std::byte> Reader::rest() {
  if (failed_) return {};
  const auto all = bytes_;
  bytes_ = {};
  return all;
}

}  // namespace cloister::wire
