#pragma once
/// The twin of Reader: appends to a byte vector, integers big endian.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "appliance/wire/names.hpp"

namespace cloister::wire {

class Writer {
 public:
  Writer& u8(std::uint8_t value);
  Writer& u16(std::uint16_t value);
  Writer& u32(std::uint32_t value);
  Writer& u64(std::uint64_t value);
  /// Many of them.
  Writer& u64s(std::span<const std::uint64_t> values);
  Writer& f64(double value);
  Writer& varint(std::uint64_t value);
  Writer& block_id(BlockId block);
  Writer& key_name(const KeyName& name);
  Writer& tunnel_id(TunnelId tunnel);
  Writer& bytes(std::span<const std::byte> value);
  /// A u16 length and the text; the text is at most 65,535 bytes.
  Writer& text(std::string_view value);

  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] std::span<const std::byte> view() const { return bytes_; }
  [[nodiscard]] std::vector<std::byte> take() && { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace cloister::wire
