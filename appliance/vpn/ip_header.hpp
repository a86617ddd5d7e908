#pragma once
/// Places and numbers of the headers that are read and changed here (RFC 791, 8200, 9293, 768).

#include <cstddef>
#include <cstdint>
#include <span>

#include "appliance/vpn/big_endian.hpp"

namespace cloister::vpn {

inline constexpr std::uint8_t protocol_icmp = 1;
inline constexpr std::uint8_t protocol_tcp = 6;
inline constexpr std::uint8_t protocol_udp = 17;
inline constexpr std::uint8_t protocol_icmpv6 = 58;

inline constexpr std::size_t ipv4_bytes = 20;  // without options
inline constexpr std::size_t ipv4_length_at = 2;
inline constexpr std::size_t ipv4_identification_at = 4;
inline constexpr std::size_t ipv4_fragment_at = 6;
inline constexpr std::size_t ipv4_hops_at = 8;
inline constexpr std::size_t ipv4_protocol_at = 9;
inline constexpr std::size_t ipv4_checksum_at = 10;
inline constexpr std::size_t ipv4_source_at = 12;
inline constexpr std::size_t ipv4_destination_at = 16;
inline constexpr std::uint16_t ipv4_dont_fragment = 0x4000;
inline constexpr std::uint16_t ipv4_more_fragments = 0x2000;
inline constexpr std::uint16_t ipv4_fragment_offset = 0x1FFF;  // in units of eight bytes

inline constexpr std::size_t ipv6_bytes = 40;
inline constexpr std::size_t ipv6_length_at = 4;
inline constexpr std::size_t ipv6_next_header_at = 6;
inline constexpr std::size_t ipv6_hops_at = 7;
inline constexpr std::size_t ipv6_source_at = 8;
inline constexpr std::size_t ipv6_destination_at = 24;

inline constexpr std::size_t tcp_bytes = 20;  // without options
inline constexpr std::size_t tcp_sequence_at = 4;
inline constexpr std::size_t tcp_offset_at = 12;
inline constexpr std::size_t tcp_flags_at = 13;
inline constexpr std::size_t tcp_checksum_at = 16;
inline constexpr std::byte tcp_fin{0x01};
inline constexpr std::byte tcp_psh{0x08};
inline constexpr std::byte tcp_ack{0x10};
inline constexpr std::byte tcp_cwr{0x80};

inline constexpr std::size_t udp_bytes = 8;
inline constexpr std::size_t udp_length_at = 4;
inline constexpr std::size_t udp_checksum_at = 6;

/// The length that an IP packet says it has; zero for what is none, or is cut within its header.
[[nodiscard]] inline std::size_t ip_bytes_said(std::span<const std::byte> packet) {
  if (packet.size() < ipv4_bytes) return 0;
  const unsigned version = std::to_integer<unsigned>(packet[0]) >> 4U;
  if (version == 4) return load_u16(packet.subspan(ipv4_length_at));
  if (version == 6 && packet.size() >= ipv6_bytes) return ipv6_bytes + load_u16(packet.subspan(ipv6_length_at));
  return 0;
}

}  // namespace cloister::vpn
