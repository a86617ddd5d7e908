#pragma once
/// An IPv4 packet that may be cut, and is longer than what fits, as the fragments that it becomes (RFC 791, section
/// 3.2).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace cloister::vpn {

class Fragments {
 public:
  /// Each of at most `mtu` bytes. Nothing for other packets, and where `mtu` has no room for eight bytes behind the
  /// longest header. The packet must stay while the fragments are written. A fragment is cut further as a packet is.
  [[nodiscard]] static std::optional<Fragments> of(std::span<const std::byte> packet, std::size_t mtu);

  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] std::size_t bytes(std::size_t index) const;
  /// Writes a whole IP packet to the beginning of `out`, which has bytes(index) bytes at least.
  void write(std::size_t index, std::span<std::byte> out) const;

 private:
  Fragments(std::span<const std::byte> packet, std::size_t header_bytes, std::size_t payload_bytes)
      : packet_{packet}, header_bytes_{header_bytes}, payload_bytes_{payload_bytes} {}
  [[nodiscard]] std::size_t later_header_bytes() const;

  std::span<const std::byte> packet_;
  std::size_t header_bytes_;   // of the first fragment; later ones have the options that go with each
  std::size_t payload_bytes_;  // of each but the last: a multiple of eight
  std::size_t count_ = 0;
};

}  // namespace cloister::vpn
