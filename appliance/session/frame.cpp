#include "appliance/session/frame.hpp"

#include <format>

#include "appliance/wire/reader.hpp"
#include "appliance/wire/writer.hpp"

namespace cloister::session {

std::vector<std::byte> encode_body(FrameKind kind, std::uint64_t sequence, wire::BlockId block, std::uint8_t type,
                                   std::span<const std::byte> payload) {
  wire::Writer out;
  out.u8(static_cast<std::uint8_t>(kind)).u64(sequence).block_id(block).u8(type).bytes(payload);
  return std::move(out).take();
}

std::optional<Frame> decode_body(std::span<const std::byte> body) {
  wire::Reader in{body};
  const auto kind = in.u8();
  const auto sequence = in.u64();
  const auto block = in.block_id();
  const auto type = in.u8();
  if (!kind || !sequence || !block || !type) return std::nullopt;
  if (*kind < static_cast<std::uint8_t>(FrameKind::greeting) || *kind > static_cast<std::uint8_t>(FrameKind::stored))
    return std::nullopt;
  return Frame{static_cast<FrameKind>(*kind), *sequence, *block, *type, in.rest()};
}

std::vector<std::byte> seal_frame(std::span<const std::byte> body, const crypto::MacKey* key) {
  wire::Writer out;
  out.u32(static_cast<std::uint32_t>(body.size() + (key != nullptr ? frame_mac_bytes : 0))).bytes(body);
  if (key != nullptr) {
    const auto mac = crypto::hmac_sha256(key->expose(), body);
    out.bytes(std::span{mac}.first(frame_mac_bytes));
  }
  return std::move(out).take();
}

std::optional<std::span<const std::byte>> open_frame(std::span<const std::byte> sealed, const crypto::MacKey* key) {
  if (key == nullptr) return sealed;
  if (sealed.size() < frame_mac_bytes) return std::nullopt;
  const auto body = sealed.first(sealed.size() - frame_mac_bytes);
  const auto mac = crypto::hmac_sha256(key->expose(), body);
  if (!crypto::equal_constant_time(std::span{mac}.first(frame_mac_bytes), sealed.last(frame_mac_bytes)))
    return std::nullopt;
  return body;
}

Result<std::optional<std::vector<std::byte>>> FrameStream::next(std::size_t limit) {
  wire::Reader in{std::span{buffer_}.subspan(position_)};
  const auto length = in.u32();
  if (!length) return std::nullopt;
  if (*length < frame_header_bytes || *length > limit)
    return fail(std::format("a frame of {} bytes, expected {} to {}", *length, frame_header_bytes, limit));
  const auto sealed = in.bytes(*length);
  if (!sealed) return std::nullopt;
  std::vector<std::byte> frame(sealed->begin(), sealed->end());
  position_ += 4 + frame.size();
  // What was read is dropped in large steps, so that each byte is moved once or less.
  if (position_ > buffer_.size() / 2) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(position_));
    position_ = 0;
  }
  return frame;
}

}  // namespace cloister::session
