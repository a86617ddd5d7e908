#include "appliance/vpn/coalescing.hpp"

#include <algorithm>
#include <cstring>

#include "appliance/vpn/big_endian.hpp"
#include "appliance/vpn/checksum.hpp"
#include "appliance/vpn/ip_header.hpp"
#include "crypto/error.hpp"

namespace cloister::vpn {
namespace {

constexpr std::size_t frame_bytes_max = 65'535;  // an IP packet's
constexpr std::size_t segments_max = 64;         // of a UDP super-packet, in kernels before 6.9
constexpr std::size_t room_bytes_max = 65'536;

bool same_bytes(std::span<const std::byte> one, std::span<const std::byte> other, std::size_t from, std::size_t to) {
  return std::memcmp(one.data() + from, other.data() + from, to - from) == 0;
}

bool transport_checksum_holds(std::span<const std::byte> packet, std::size_t ip_bytes, std::uint8_t protocol) {
  const auto transport = packet.subspan(ip_bytes);
  return checksum_fold(checksum_add(pseudo_header_sum(packet, protocol, transport.size()), transport)) == 0xFFFF;
}

/// A whole IPv4 packet without options and fragments, its checksum right; or IPv6 without extension headers.
bool plain_ip(std::span<const std::byte> packet) {
  if (packet.size() < ipv4_bytes) return false;
  if (packet[0] == std::byte{0x45}) {
    return load_u16(packet.subspan(ipv4_length_at)) == packet.size() &&
           (load_u16(packet.subspan(ipv4_fragment_at)) & ~unsigned{ipv4_dont_fragment}) == 0 &&
           checksum_fold(checksum_add_portable(0, packet.first(ipv4_bytes))) == 0xFFFF;
  }
  return packet.size() >= ipv6_bytes && (packet[0] & std::byte{0xF0}) == std::byte{0x60} &&
         load_u16(packet.subspan(ipv6_length_at)) == packet.size() - ipv6_bytes;
}

/// All of two IP headers but lengths and checksum. Without "don't fragment" the identification has to count on
/// (RFC 6864: with it, it has no meaning).
bool same_ip(std::span<const std::byte> first, std::span<const std::byte> next, bool v6, std::size_t index) {
  if (v6) return same_bytes(first, next, 0, ipv6_length_at) && same_bytes(first, next, ipv6_next_header_at, ipv6_bytes);
  const bool fixed = same_bytes(first, next, 0, ipv4_length_at) &&
                     same_bytes(first, next, ipv4_fragment_at, ipv4_checksum_at) &&
                     same_bytes(first, next, ipv4_checksum_at + 2, ipv4_bytes);
  if (!fixed || (load_u16(first.subspan(ipv4_fragment_at)) & ipv4_dont_fragment) != 0) return fixed;
  const auto expected = (load_u16(first.subspan(ipv4_identification_at)) + index) & 0xFFFFU;
  return load_u16(next.subspan(ipv4_identification_at)) == expected;
}

}  // namespace

Coalescer::Coalescer(Device device) : device_{device} {
  for (auto& buffer : buffers_) buffer.resize(frame_bytes_max + room_bytes_max);
}

std::span<std::byte> Coalescer::room(std::size_t bytes) {
  require(bytes <= room_bytes_max, "a packet is longer than 64 KiB");
  joining_ = open_ && open_->shape.kind != Offload::Segmentation::none && !open_->ended;
  if (!joining_) return std::span{buffers_[open_ ? 1 - current_ : current_]}.first(bytes);
  const std::size_t header_bytes = open_->shape.header_bytes;
  const auto room = current().subspan(open_->bytes - header_bytes, std::max(bytes, header_bytes));
  std::memcpy(kept_.data(), room.data(), header_bytes);
  return room.first(bytes);
}

void Coalescer::restore() {
  if (!joining_) return;
  const std::size_t header_bytes = open_->shape.header_bytes;
  std::memcpy(current().data() + open_->bytes - header_bytes, kept_.data(), header_bytes);
  joining_ = false;
}

void Coalescer::abandon() { restore(); }

Coalescer::Shape Coalescer::shape_of(std::span<const std::byte> packet) const {
  if (!plain_ip(packet)) return {};
  Shape shape;
  shape.v6 = packet[0] != std::byte{0x45};
  shape.ip_bytes = shape.v6 ? ipv6_bytes : ipv4_bytes;
  const auto protocol = std::to_integer<std::uint8_t>(packet[shape.v6 ? ipv6_next_header_at : ipv4_protocol_at]);
  const auto transport = packet.subspan(shape.ip_bytes);
  if (protocol == protocol_tcp && device_.tcp && transport.size() >= tcp_bytes) {
    const std::size_t tcp = 4 * (std::to_integer<std::size_t>(transport[tcp_offset_at]) >> 4U);
    const std::byte flags = transport[tcp_flags_at];
    if (tcp < tcp_bytes || transport.size() <= tcp || (flags & ~tcp_psh) != tcp_ack) return {};
    shape.header_bytes = shape.ip_bytes + tcp;
    shape.last = (flags & tcp_psh) != std::byte{0};
    shape.kind = Offload::Segmentation::tcp;
  } else if (protocol == protocol_udp && device_.udp && transport.size() > udp_bytes) {
    if (load_u16(transport.subspan(udp_length_at)) != transport.size() ||
        load_u16(transport.subspan(udp_checksum_at)) == 0)
      return {};
    shape.header_bytes = shape.ip_bytes + udp_bytes;
    shape.kind = Offload::Segmentation::udp;
  } else {
    return {};
  }
  if (!transport_checksum_holds(packet, shape.ip_bytes, protocol)) return {};
  return shape;
}

bool Coalescer::joins(const Shape& shape, std::span<const std::byte> packet) const {
  const Open& open = *open_;
  if (shape.kind != open.shape.kind || shape.v6 != open.shape.v6 || shape.header_bytes != open.shape.header_bytes)
    return false;
  const std::size_t payload = packet.size() - shape.header_bytes;
  if (payload > open.segment_bytes || open.bytes + payload > frame_bytes_max) return false;
  const auto first = std::span{first_}.first(shape.header_bytes);
  if (!same_ip(first, packet, shape.v6, open.segments)) return false;
  const std::size_t at = shape.ip_bytes;
  if (shape.kind == Offload::Segmentation::udp)
    return open.segments < segments_max && same_bytes(first, packet, at, at + udp_length_at);
  const auto expected =
      load_u32(first.subspan(at + tcp_sequence_at)) + static_cast<std::uint32_t>(open.bytes - open.shape.header_bytes);
  return same_bytes(first, packet, at, at + tcp_sequence_at) &&                     // ports
         load_u32(packet.subspan(at + tcp_sequence_at)) == expected &&              //
         same_bytes(first, packet, at + tcp_sequence_at + 4, at + tcp_flags_at) &&  // acknowledgement, offset
         same_bytes(first, packet, at + tcp_flags_at + 1, at + tcp_checksum_at) &&  // window
         same_bytes(first, packet, at + tcp_checksum_at + 2, shape.header_bytes);   // urgent pointer, options
}

void Coalescer::open(const Shape& shape, std::size_t bytes) {
  std::memcpy(first_.data(), current().data(), shape.header_bytes);
  open_ = Open{.shape = shape, .bytes = bytes, .segment_bytes = bytes - shape.header_bytes, .ended = shape.last};
}

std::optional<Coalescer::Frame> Coalescer::add(std::span<const std::byte> packet) {
  const Shape shape = shape_of(packet);
  if (!open_) {
    open(shape, packet.size());
    return std::nullopt;
  }
  if (joining_ && joins(shape, packet)) {
    const std::size_t payload = packet.size() - shape.header_bytes;
    restore();
    open_->bytes += payload;
    ++open_->segments;
    open_->ended = shape.last || payload < open_->segment_bytes;
    if (shape.last) current()[shape.ip_bytes + tcp_flags_at] |= tcp_psh;
    return std::nullopt;
  }
  auto& other = buffers_[1 - current_];
  if (joining_) {
    std::memcpy(other.data(), packet.data(), packet.size());
    restore();
  }
  const auto done = finish();
  current_ = 1 - current_;
  open(shape, packet.size());
  return done;
}

std::optional<Coalescer::Frame> Coalescer::flush() { return finish(); }

std::optional<Coalescer::Frame> Coalescer::finish() {
  if (!open_) return std::nullopt;
  const Open done = *open_;
  open_.reset();
  const auto packet = current().first(done.bytes);
  Frame frame{{}, packet};
  if (done.segments == 1) return frame;

  const std::size_t start = done.shape.ip_bytes;
  const bool tcp = done.shape.kind == Offload::Segmentation::tcp;
  if (done.shape.v6) {
    store_u16(packet.subspan(ipv6_length_at), packet.size() - ipv6_bytes);
  } else {
    store_u16(packet.subspan(ipv4_length_at), packet.size());
    checksum_store(packet.subspan(ipv4_checksum_at), 0);
    checksum_store(packet.subspan(ipv4_checksum_at),
                   static_cast<std::uint16_t>(~checksum_fold(checksum_add_portable(0, packet.first(ipv4_bytes)))));
  }
  if (!tcp) store_u16(packet.subspan(start + udp_length_at), packet.size() - start);
  const std::size_t field = tcp ? tcp_checksum_at : udp_checksum_at;
  checksum_store(packet.subspan(start + field),
                 checksum_fold(pseudo_header_sum(packet, tcp ? protocol_tcp : protocol_udp, packet.size() - start)));
  frame.offload = {.segmentation = done.shape.kind,
                   .checksum_missing = true,
                   .segment_bytes = static_cast<std::uint16_t>(done.segment_bytes),
                   .checksum_start = static_cast<std::uint16_t>(start),
                   .checksum_offset = static_cast<std::uint16_t>(field)};
  return frame;
}

}  // namespace cloister::vpn
