#pragma once
/// ESP (RFC 4303) with AES-256-GCM (RFC 4106) and extended sequence numbers, one datagram at a time; what UDP carries
/// (RFC 3948).
///
///   SPI (4) | sequence, low half (4) | explicit IV (8) | ciphertext: inner packet, pad, pad length, next header | ICV
///   (16) nonce = salt (4) | IV, which is the 64-bit sequence number          AAD = SPI | sequence high | sequence low

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

#include "appliance/vpn/replay_window.hpp"
#include "crypto/aead.hpp"

namespace cloister::vpn {

/// Never 0 to 255 (RFC 4303, 2.1).
struct Spi {
  std::uint32_t value = 0;
  auto operator<=>(const Spi&) const = default;
};

/// AES-256 key and salt (RFC 4106, 8.1).
using SaKey = crypto::Secret<struct SaKeyRole, 36>;

inline constexpr std::size_t esp_overhead_bytes_max = 4 + 4 + 8 + 3 + 2 + 16;

enum class EspError {
  truncated,
  reserved_spi,
  unknown_sa,
  replayed,
  authentication_failed,
  malformed,
  sequence_exhausted
};
[[nodiscard]] const char* to_string(EspError error);

/// The SPI of a datagram, before anything is known of it.
[[nodiscard]] std::expected<Spi, EspError> peek_spi(std::span<const std::byte> datagram);

/// The sending half. Not thread-safe.
class OutboundSa {
 public:
  /// `first_sequence` is 1 but in tests of the numbers' end.
  OutboundSa(Spi spi, SaKey key, std::uint64_t first_sequence = 1);
  /// `packet` is a whole IPv4 or IPv6 packet; `out` has room for packet.size() + esp_overhead_bytes_max. Returns the
  /// bytes written.
  [[nodiscard]] std::expected<std::size_t, EspError> seal(std::span<const std::byte> packet, std::span<std::byte> out);
  [[nodiscard]] Spi spi() const { return spi_; }
  [[nodiscard]] std::uint64_t packets() const { return sequence_; }

 private:
  Spi spi_;
  crypto::Aes256Gcm cipher_;
  std::array<std::byte, 4> salt_;
  std::uint64_t sequence_ = 0;  // of the last packet sent; the first is 1
};

/// The receiving half. Not thread-safe.
class InboundSa {
 public:
  /// `newest_sequence` is 0, nothing received yet, but in tests.
  InboundSa(Spi spi, SaKey key, std::uint64_t newest_sequence = 0);
  /// Returns the inner packet, within `out` (room for datagram.size()); an empty one for a dummy packet (next header
  /// 59).
  [[nodiscard]] std::expected<std::span<std::byte>, EspError> open(std::span<const std::byte> datagram,
                                                                   std::span<std::byte> out);
  [[nodiscard]] Spi spi() const { return spi_; }

 private:
  Spi spi_;
  crypto::Aes256Gcm cipher_;
  std::array<std::byte, 4> salt_;
  ReplayWindow window_;
};

}  // namespace cloister::vpn
