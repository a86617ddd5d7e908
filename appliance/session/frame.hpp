#pragma once
/// Frames of the classical channel.
///
///   u32 length | u8 kind | u64 sequence | u64 block | u8 type | payload | MAC (16, once keys exist)
///               └──────────────── body: what the MAC and the transcript cover ─────────────────┘
///
/// Sequence numbers count each direction's frames from 0 and are never skipped. The MAC is HMAC-SHA-256 over the body,
/// cut to 16 bytes, under a key per direction.

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "appliance/wire/names.hpp"
#include "crypto/error.hpp"
#include "crypto/kdf.hpp"

namespace cloister::session {

enum class FrameKind : std::uint8_t {
  greeting = 1,
  bootstrap = 2,
  ready = 3,
  block = 4,
  message = 5,
  close = 6,
  tag = 7,
  verified = 8,
  switch_keys = 9,
  keep_alive = 10,
  lease = 11,   // of a chunk of the sealed reserve: asked, granted, opened
  stored = 12,  // a generation of the sealed reserve is on this box's disk
};

/// The type of a CLOSE: whether its sender would pay for the block's tags with pads of the reserve. It is paid for where
/// both would; of a block under the bootstrap's keys both say `closes_paid`.
inline constexpr std::uint8_t closes_paid = 0;
inline constexpr std::uint8_t closes_unpaid = 1;

struct Frame {
  FrameKind kind{};
  std::uint64_t sequence = 0;
  wire::BlockId block;
  std::uint8_t type = 0;
  std::span<const std::byte> payload;  // into the body
};

inline constexpr std::size_t frame_header_bytes = 1 + 8 + 8 + 1;
inline constexpr std::size_t frame_mac_bytes = 16;
inline constexpr std::size_t frame_bytes_max = std::size_t{8} << 20U;           // of a peer that is known
inline constexpr std::size_t frame_bytes_max_unknown = std::size_t{96} << 10U;  // of one that is not yet

[[nodiscard]] std::vector<std::byte> encode_body(FrameKind kind, std::uint64_t sequence, wire::BlockId block,
                                                 std::uint8_t type, std::span<const std::byte> payload);
/// Nothing for a body that is shorter than its header or of an unknown kind.
[[nodiscard]] std::optional<Frame> decode_body(std::span<const std::byte> body);

/// Length, body and, with a key, MAC.
[[nodiscard]] std::vector<std::byte> seal_frame(std::span<const std::byte> body, const crypto::MacKey* key);
/// The body of a sealed frame (without its length), or nothing when the MAC does not hold.
[[nodiscard]] std::optional<std::span<const std::byte>> open_frame(std::span<const std::byte> sealed,
                                                                   const crypto::MacKey* key);

/// Cuts the byte stream into sealed frames.
class FrameStream {
 public:
  void feed(std::span<const std::byte> bytes) { buffer_.insert(buffer_.end(), bytes.begin(), bytes.end()); }
  /// The next whole frame without its length; nothing when more bytes are needed; an error when its length is beyond
  /// `limit`.
  [[nodiscard]] Result<std::optional<std::vector<std::byte>>> next(std::size_t limit);
  [[nodiscard]] std::size_t waiting_bytes() const { return buffer_.size() - position_; }

 private:
  std::vector<std::byte> buffer_;
  std::size_t position_ = 0;
};

}  // namespace cloister::session
