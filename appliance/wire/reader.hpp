#pragma once
/// The only code that moves a position in bytes from a peer. Integers are big endian. Every getter says by an empty
/// optional that the bytes ran out; after that nothing more is read.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "appliance/wire/names.hpp"

namespace cloister::wire {

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_{bytes} {}

  [[nodiscard]] std::optional<std::uint8_t> u8();
  [[nodiscard]] std::optional<std::uint16_t> u16();
  [[nodiscard]] std::optional<std::uint32_t> u32();
  [[nodiscard]] std::optional<std::uint64_t> u64();
  /// As many as there is room for; false: there are fewer.
  [[nodiscard]] bool u64s(std::span<std::uint64_t> out);
  /// IEEE 754 double, as its 64 bits; not-a-number and infinities are refused.
  [[nodiscard]] std::optional<double> f64();
  /// LEB128, at most 10 bytes, the shortest form only.
  [[nodiscard]] std::optional<std::uint64_t> varint();
  [[nodiscard]] std::optional<BlockId> block_id();
  [[nodiscard]] std::optional<KeyName> key_name();
  [[nodiscard]] std::optional<TunnelId> tunnel_id();
  /// A view of the next `count` bytes.
  [[nodiscard]] std::optional<std::span<const std::byte>> bytes(std::size_t count);
  /// A u16 length, at most `limit`, and that many bytes as text.
  [[nodiscard]] std::optional<std::string> text(std::size_t limit);
  /// All that is left; may be empty.
  [[nodiscard]] std::span<const std::byte> rest();
  [[nodiscard]] std::size_t remaining() const { return bytes_.size(); }
  [[nodiscard]] bool at_end() const { return !failed_ && bytes_.empty(); }

 private:
  template <class Unsigned>
  std::optional<Unsigned> big_endian();

  std::span<const std::byte> bytes_;
  bool failed_ = false;
};

}  // namespace cloister::wire
