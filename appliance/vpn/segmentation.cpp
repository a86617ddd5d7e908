#include "appliance/vpn/segmentation.hpp"

#include <algorithm>
#include <cstring>

#include "appliance/vpn/big_endian.hpp"
#include "appliance/vpn/checksum.hpp"
#include "appliance/vpn/ip_header.hpp"

namespace cloister::vpn {
namespace {

constexpr std::size_t segments_max = 65'535;

/// Where the payload begins, or nothing where the transport header is not whole.
std::optional<std::size_t> headers_of(const Offload& offload, std::span<const std::byte> packet) {
  const std::size_t start = offload.checksum_start;
  if (offload.segmentation == Offload::Segmentation::udp) return start + udp_bytes;
  if (packet.size() < start + tcp_bytes) return std::nullopt;
  const std::size_t tcp = 4 * (std::to_integer<std::size_t>(packet[start + tcp_offset_at]) >> 4U);
  return tcp < tcp_bytes ? std::nullopt : std::optional{start + tcp};
}

void fill_transport_checksum(std::span<std::byte> packet, std::size_t start, std::size_t field, std::uint8_t protocol) {
  const auto transport = packet.subspan(start);
  checksum_store(transport.subspan(field), 0);
  const auto sum = checksum_add(pseudo_header_sum(packet, protocol, transport.size()), transport);
  auto value = static_cast<std::uint16_t>(~checksum_fold(sum));
  if (value == 0 && protocol == protocol_udp) value = 0xFFFF;  // zero says "no checksum" (RFC 768)
  checksum_store(transport.subspan(field), value);
}

void fill_ip_header(std::span<std::byte> packet, bool v6, std::size_t ip_bytes, std::size_t index) {
  if (v6) {
    store_u16(packet.subspan(ipv6_length_at), packet.size() - ipv6_bytes);
    return;
  }
  store_u16(packet.subspan(ipv4_length_at), packet.size());
  const auto identification = packet.subspan(ipv4_identification_at);
  store_u16(identification, (load_u16(identification) + index) & 0xFFFFU);
  checksum_store(packet.subspan(ipv4_checksum_at), 0);
  const auto sum = checksum_add_portable(0, packet.first(ip_bytes));
  checksum_store(packet.subspan(ipv4_checksum_at), static_cast<std::uint16_t>(~checksum_fold(sum)));
}

}  // namespace

std::optional<Segments> Segments::of(const Offload& offload, std::span<const std::byte> packet) {
  if (packet.empty()) return std::nullopt;
  Segments segments{offload, packet};
  const unsigned version = std::to_integer<unsigned>(packet[0]) >> 4U;
  segments.v6_ = version == 6;
  if (version != 4 && version != 6) return std::nullopt;
  if (packet.size() < (segments.v6_ ? ipv6_bytes : ipv4_bytes)) return std::nullopt;

  segments.header_bytes_ = packet.size();
  const std::size_t start = offload.checksum_start;
  if (offload.checksum_missing && packet.size() < start + offload.checksum_offset + 2) return std::nullopt;
  if (offload.segmentation == Offload::Segmentation::none) return segments;

  const std::size_t ip_bytes = segments.v6_ ? ipv6_bytes : 4 * (std::to_integer<std::size_t>(packet[0]) & 15U);
  // Extension headers may stand between IPv6 and TCP; IPv4's options are its own.
  if (start < ip_bytes || (!segments.v6_ && (start != ip_bytes || ip_bytes < ipv4_bytes))) return std::nullopt;
  const auto header_bytes = headers_of(offload, packet);
  if (!offload.checksum_missing || offload.segment_bytes == 0 || !header_bytes || packet.size() < *header_bytes)
    return std::nullopt;
  segments.header_bytes_ = *header_bytes;
  const std::size_t payload = packet.size() - *header_bytes;
  segments.count_ =
      std::max<std::size_t>(1, (payload + offload.segment_bytes - 1) / offload.segment_bytes);  // without payload: one
  if (segments.count_ > segments_max) return std::nullopt;
  return segments;
}

std::size_t Segments::payload_bytes(std::size_t index) const {
  const std::size_t payload = packet_.size() - header_bytes_;
  if (index + 1 < count_) return offload_.segment_bytes;
  return payload - index * offload_.segment_bytes;
}

std::size_t Segments::bytes(std::size_t index) const { return header_bytes_ + payload_bytes(index); }

void Segments::write(std::size_t index, std::span<std::byte> out) const {
  const std::size_t payload = payload_bytes(index);
  const auto packet = out.first(header_bytes_ + payload);
  std::memcpy(packet.data(), packet_.data(), header_bytes_);
  const std::size_t start = offload_.checksum_start;

  switch (offload_.segmentation) {
    case Offload::Segmentation::none:
      if (offload_.checksum_missing) {
        // The field holds the pseudo-header's sum, so that summing over it is right for any protocol.
        const auto sum = checksum_add(0, packet.subspan(start));
        auto value = static_cast<std::uint16_t>(~checksum_fold(sum));
        if (value == 0 && offload_.checksum_offset == udp_checksum_at) value = 0xFFFF;
        checksum_store(packet.subspan(start + offload_.checksum_offset), value);
      }
      return;
    case Offload::Segmentation::tcp: {
      const auto tcp = packet.subspan(start);
      const auto sequence = tcp.subspan(tcp_sequence_at);
      store_u32(sequence, load_u32(sequence) + static_cast<std::uint32_t>(index * offload_.segment_bytes));
      if (index + 1 < count_) tcp[tcp_flags_at] &= ~(tcp_fin | tcp_psh);
      if (index > 0) tcp[tcp_flags_at] &= ~tcp_cwr;  // CWR goes with the first (RFC 3168, 6.1.2)
      break;
    }
    case Offload::Segmentation::udp:
      store_u16(packet.subspan(start + udp_length_at), packet.size() - start);
      break;
  }
  if (payload > 0)
    std::memcpy(packet.data() + header_bytes_, packet_.data() + header_bytes_ + index * offload_.segment_bytes,
                payload);
  fill_ip_header(packet, v6_, start, index);
  if (offload_.segmentation == Offload::Segmentation::tcp)
    fill_transport_checksum(packet, start, tcp_checksum_at, protocol_tcp);
  else
    fill_transport_checksum(packet, start, udp_checksum_at, protocol_udp);
}

}  // namespace cloister::vpn
