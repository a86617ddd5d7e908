#pragma once
/// Packets under a one-time pad, one datagram at a time; what UDP carries beside ESP (docs/one-time-pad.md).
///
///   type (4) | SA id (4) | offset (8) | ciphertext, of one of few lengths            | tag (16)
///                                       = (length (2) | packet | zeros) ⊕ pad         = hash ⊕ pad
///
/// The offset is the place in the SA's pad, in units of 128 bits, of the unit that encrypts the tag; the next ones encrypt
/// the text. The hash is the polynomial over GF(2^128) (crypto/gf128.hpp) of header, ciphertext and the ciphertext's
/// length, under a key that the SA has of its own. Key and pads are bits of held blocks as they are.
///
/// A tag that somebody makes up, at whatever offset and whatever he has seen or knows of the pad's text, holds with a
/// probability of at most blocks / 2^128, blocks being the hashed ones (Wegman and Carter, 1981): what was sent under other units says nothing of
/// the key, and two equations in it of that degree differ. Places are whole units, so that no half of a unit that somebody
/// knows is ever part of a tag's pad.
///
/// The sender burns what a packet takes before the datagram is there to be sent. The receiver burns it when the tag holds,
/// never before, so that a forgery takes nothing; what is burnt opens nothing, which is all that a replay meets.

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <mutex>
#include <optional>
#include <span>

#include "appliance/vpn/esp.hpp"
#include "appliance/vpn/pad.hpp"
#include "crypto/gf128.hpp"

namespace cloister::vpn {

/// In place of an SPI; those of 1 to 255 are no SA's (RFC 4303, 2.1), and 0 marks IKE (RFC 3948, 2.2).
inline constexpr std::uint32_t pad_packet_type = 0x10;

/// What the text's length is rounded up to, in bytes: what somebody on the way sees of a packet's length. With 1440 a
/// datagram fills 1500 bytes over IPv4.
inline constexpr std::array<std::size_t, 7> pad_classes{64, 128, 256, 512, 1024, 1440, 1920};

/// Where the inner packet lies in a datagram.
inline constexpr std::size_t pad_packet_at = 4 + 4 + 8 + 2;
inline constexpr std::size_t pad_packet_bytes_max = pad_classes.back() - 2;

/// How long the datagram of a packet is, and how many units of pad it takes; zero for one that is too long.
[[nodiscard]] std::size_t pad_datagram_bytes(std::size_t packet_bytes);
[[nodiscard]] std::uint64_t pad_units(std::size_t packet_bytes);
/// The longest inner packet whose datagram fits the way to the peer, a path MTU in bytes with IP's and UDP's headers; zero
/// where none does.
[[nodiscard]] std::size_t pad_inner_mtu(std::size_t outer_mtu, bool outer_v6);
/// Of the longest one.
inline constexpr std::uint64_t pad_packet_units_max = 1 + pad_classes.back() / pad_unit_bytes;

/// What a forgery of one packet has at most, whatever its length, under perfect bits: the epsilon of the blocks that key
/// and pads are from comes in addition.
[[nodiscard]] double pad_epsilon_per_packet();

enum class PadError {
  truncated,
  unknown_sa,
  replayed,       // under pad that was used, or is too old
  not_there_yet,  // under pad that has not been agreed on
  authentication_failed,
  malformed,
  used_up  // the sender has no pad for it
};
[[nodiscard]] const char* to_string(PadError error);

/// The SA id of a datagram of this type; nothing for another one.
[[nodiscard]] std::optional<Spi> peek_pad_sa(std::span<const std::byte> datagram);

/// The sending half. Threads may share it.
class OutboundPadSa {
 public:
  OutboundPadSa(Spi spi, crypto::HashKey key, std::size_t units_max);
  /// Seals in place: a whole IPv4 or IPv6 packet lies at `room[pad_packet_at]`, and `room` has
  /// pad_datagram_bytes(packet_bytes) bytes, which it fills.
  [[nodiscard]] std::expected<std::size_t, PadError> seal(std::size_t packet_bytes, std::span<std::byte> room);

  void add(std::span<const std::byte> bits);
  /// Nothing is sent any more.
  void burn();
  [[nodiscard]] std::uint64_t end() const;
  /// Units that are not used, and that packets have used.
  [[nodiscard]] std::uint64_t left() const;
  [[nodiscard]] std::uint64_t used() const;
  [[nodiscard]] Spi spi() const { return spi_; }

 private:
  Spi spi_;
  crypto::HashKey key_;
  mutable std::mutex mutex_;
  Pad pad_;                 // guarded by mutex_
  std::uint64_t used_ = 0;  // guarded by mutex_
};

/// The receiving half. Threads may share it.
class InboundPadSa {
 public:
  struct Opened {
    std::span<std::byte> packet;
    bool newest;  // nothing under later pad had been received when this one was
  };
  /// Pad that packets before the newest one have left unused is kept so far back, in units.
  static constexpr std::uint64_t window_units = 4096;

  /// `units_max` is how much the sender may have before it, beside the window.
  InboundPadSa(Spi spi, crypto::HashKey key, std::size_t units_max);
  /// The inner packet lies at the beginning of `out` (room for datagram.size()).
  [[nodiscard]] std::expected<Opened, PadError> open(std::span<const std::byte> datagram, std::span<std::byte> out);

  void add(std::span<const std::byte> bits);
  void cut(std::uint64_t end);
  /// Nothing is opened any more.
  void burn();
  [[nodiscard]] std::uint64_t end() const;
  /// Units that the sender has not used yet, as far as is known here.
  [[nodiscard]] std::uint64_t left() const;
  /// That any of the tags that were judged so far, the good ones too, was a forgery: the sum of their bounds, under
  /// perfect bits.
  [[nodiscard]] double epsilon() const;
  [[nodiscard]] Spi spi() const { return spi_; }

 private:
  Spi spi_;
  crypto::HashKey key_;
  mutable std::mutex mutex_;
  Pad pad_;                          // guarded by mutex_
  std::uint64_t newest_end_ = 0;     // guarded by mutex_
  std::uint64_t judged_blocks_ = 0;  // guarded by mutex_
};

}  // namespace cloister::vpn
