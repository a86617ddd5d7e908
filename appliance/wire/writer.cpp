#include "appliance/wire/writer.hpp"

#include <bit>
#include <cstring>

namespace cloister::wire {

static_assert(std::endian::native == std::endian::little, "numbers are turned round for the wire");

namespace {

template <class Unsigned>
void append_big_endian(std::vector<std::byte>& out, Unsigned value) {
  for (std::size_t i = sizeof(Unsigned); i-- > 0;)
    out.push_back(static_cast<std::byte>(std::uint64_t{value} >> (8 * i)));
}

}  // namespace

Writer& Writer::u8(std::uint8_t value) {
  bytes_.push_back(std::byte{value});
  return *this;
}

Writer& Writer::u16(std::uint16_t value) {
  append_big_endian(bytes_, value);
  return *this;
}

Writer& Writer::u32(std::uint32_t value) {
  append_big_endian(bytes_, value);
  return *this;
}

Writer& Writer::u64(std::uint64_t value) {
  append_big_endian(bytes_, value);
  return *this;
}

Writer& Writer::u64s(std::span<const std::uint64_t> values) {
  const std::size_t head = bytes_.size();
  bytes_.resize(head + values.size_bytes());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint64_t value = std::byteswap(values[i]);
    std::memcpy(bytes_.data() + head + i * sizeof value, &value, sizeof value);
  }
  return *this;
}

Writer& Writer::f64(double value) { return u64(std::bit_cast<std::uint64_t>(value)); }

Writer& Writer::varint(std::uint64_t value) {
  while (value >= 0x80U) {
    u8(static_cast<std::uint8_t>(value | 0x80U));
    value >>= 7U;
  }
  return u8(static_cast<std::uint8_t>(value));
}

Writer& Writer::block_id(BlockId block) { return u64(block.value); }

Writer& Writer::key_name(const KeyName& name) { return block_id(name.block).u32(name.index); }

Writer& Writer::tunnel_id(TunnelId tunnel) { return u64(tunnel.value); }

Writer& Writer::bytes(std::span<const std::byte> value) {
  bytes_.insert(bytes_.end(), value.begin(), value.end());
  return *this;
}

Writer& Writer::text(std::string_view value) {
  u16(static_cast<std::uint16_t>(value.size()));
  return bytes(std::as_bytes(std::span{value}));
}

}  // namespace cloister::wire
