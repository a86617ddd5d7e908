#pragma once
/// ESP (RFC 4303) with AES-256-GCM (RFC 4106) and extended sequence numbers, one datagram at a time; what UDP carries
/// (RFC 3948).
///
///   SPI (4) | sequence, low half (4) | explicit IV (8) | ciphertext: inner packet, pad, pad length, next header | ICV
///   (16) nonce = salt (4) | IV, which is the 64-bit sequence number          AAD = SPI | sequence high | sequence low

#include <array>
#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
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

/// No number comes after it.
inline constexpr std::uint64_t sequence_end = std::numeric_limits<std::uint64_t>::max();

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

/// Where the inner packet lies in a datagram.
inline constexpr std::size_t esp_packet_at = 4 + 4 + 8;

/// The sending half. Threads may share it: each packet takes a number of its own.
class OutboundSa {
 public:
  /// Seals no number beyond `last_sequence`; `first_sequence` is 1 but in tests of the numbers' end.
  OutboundSa(Spi spi, SaKey key, std::uint64_t first_sequence = 1, std::uint64_t last_sequence = sequence_end);
  /// Seals in place: a whole IPv4 or IPv6 packet of `packet_bytes` bytes lies at `room[esp_packet_at]`, and `room` has
  /// padded_bytes + esp_overhead_bytes_max bytes. Returns the bytes of the datagram, which begins where `room` does.
  /// `padded_bytes`, at least packet_bytes: as long as the packet is to look (RFC 4303, section 2.7).
  [[nodiscard]] std::expected<std::size_t, EspError> seal(std::size_t packet_bytes, std::size_t padded_bytes,
                                                          std::span<std::byte> room);
  [[nodiscard]] std::expected<std::size_t, EspError> seal(std::size_t packet_bytes, std::span<std::byte> room) {
    return seal(packet_bytes, packet_bytes, room);
  }
  /// The same for an aggregate of packets (aggregate.hpp) of `payload_bytes` bytes.
  [[nodiscard]] std::expected<std::size_t, EspError> seal_aggregate(std::size_t payload_bytes,
                                                                    std::span<std::byte> room);
  [[nodiscard]] Spi spi() const { return spi_; }

 private:
  [[nodiscard]] std::expected<std::size_t, EspError> seal_payload(std::size_t payload_bytes, std::byte next_header,
                                                                  std::span<std::byte> room);
  /// A number never given before; zero when there are no more.
  [[nodiscard]] std::uint64_t next_sequence();

  Spi spi_;
  crypto::Aes256Gcm cipher_;
  std::array<std::byte, 4> salt_;
  std::uint64_t last_sequence_;
  std::atomic<std::uint64_t> sequence_;  // of the last packet sent
};

/// The receiving half. Threads may share it.
class InboundSa {
 public:
  enum class Content : std::uint8_t { packet, dummy, aggregate };
  struct Opened {
    std::span<std::byte> packet;  // or the aggregate; empty for a dummy (next header 59)
    bool newest;                  // no later number had been received when this one was
    Content content = Content::packet;
  };

  /// `newest_sequence` is 0, nothing received yet, but in tests.
  InboundSa(Spi spi, SaKey key, std::uint64_t newest_sequence = 0);
  /// The packet lies at the beginning of `out` (room for datagram.size()).
  [[nodiscard]] std::expected<Opened, EspError> open(std::span<const std::byte> datagram, std::span<std::byte> out);
  [[nodiscard]] Spi spi() const { return spi_; }
  /// Something authentic was opened.
  [[nodiscard]] bool heard() const { return window_.newest() > 0; }

 private:
  Spi spi_;
  crypto::Aes256Gcm cipher_;
  std::array<std::byte, 4> salt_;
  ReplayWindow window_;
};

}  // namespace cloister::vpn
