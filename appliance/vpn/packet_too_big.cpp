#include "appliance/vpn/packet_too_big.hpp"

#include <algorithm>
#include <cstdint>

#include "appliance/vpn/big_endian.hpp"
#include "appliance/vpn/checksum.hpp"
#include "appliance/vpn/esp.hpp"
#include "appliance/vpn/ip_header.hpp"

namespace cloister::vpn {
namespace {

constexpr std::size_t icmp_bytes = 8;
constexpr std::size_t answer_v4_bytes_max = 576;  // RFC 1812, section 4.3.2.3
constexpr std::byte hop_limit{64};
constexpr std::byte internetwork_control{0xC0};  // RFC 1812, section 4.3.2.5

bool is_v6(std::span<const std::byte> packet) { return (std::to_integer<unsigned>(packet[0]) >> 4U) == 6; }

bool all_zero(std::span<const std::byte> bytes) {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

bool may_be_answered_v4(std::span<const std::byte> packet) {
  const std::size_t ip_bytes = 4 * (std::to_integer<std::size_t>(packet[0]) & 15U);
  if (ip_bytes < ipv4_bytes || packet.size() < ip_bytes + icmp_bytes) return false;
  if ((load_u16(packet.subspan(ipv4_fragment_at)) & ipv4_fragment_offset) != 0) return false;
  const auto source = packet.subspan(ipv4_source_at, 4);
  const auto first = std::to_integer<unsigned>(source[0]);
  const auto to = std::to_integer<unsigned>(packet[ipv4_destination_at]);
  if (all_zero(source) || first == 127 || first >= 224 || to >= 224) return false;
  if (packet[ipv4_protocol_at] != std::byte{protocol_icmp}) return true;
  const auto type = std::to_integer<unsigned>(packet[ip_bytes]);
  return type != 3 && type != 4 && type != 5 && type != 11 && type != 12;  // RFC 1122, section 3.2.2: errors
}

/// Behind extension headers an error would not be seen to be one: it is answered, once.
bool may_be_answered_v6(std::span<const std::byte> packet) {
  if (packet.size() < ipv6_bytes + icmp_bytes) return false;
  const auto source = packet.subspan(ipv6_source_at, 16);
  // An answer to what went to a group would come from a group, which nobody takes (RFC 4291, section 2.7).
  const bool group = source[0] == std::byte{0xFF} || packet[ipv6_destination_at] == std::byte{0xFF};
  if (all_zero(source) || group) return false;
  const auto type = std::to_integer<unsigned>(packet[ipv6_bytes]);
  const bool icmp = packet[ipv6_next_header_at] == std::byte{protocol_icmpv6};
  return !icmp || (type >= 128 && type != 137);  // errors, and redirects
}

std::size_t write_v4(std::span<const std::byte> packet, std::size_t mtu, std::span<std::byte> out) {
  const std::size_t quoted = std::min(packet.size(), answer_v4_bytes_max - ipv4_bytes - icmp_bytes);
  const std::size_t total = ipv4_bytes + icmp_bytes + quoted;
  const auto answer = out.first(total);
  std::ranges::fill(answer.first(ipv4_bytes + icmp_bytes), std::byte{0});
  answer[0] = std::byte{0x45};
  answer[1] = internetwork_control;
  store_u16(answer.subspan(ipv4_length_at), total);
  answer[ipv4_hops_at] = hop_limit;
  answer[ipv4_protocol_at] = std::byte{protocol_icmp};
  std::ranges::copy(packet.subspan(ipv4_destination_at, 4), answer.subspan(ipv4_source_at).begin());
  std::ranges::copy(packet.subspan(ipv4_source_at, 4), answer.subspan(ipv4_destination_at).begin());
  const auto header = answer.first(ipv4_bytes);
  checksum_store(header.subspan(ipv4_checksum_at), static_cast<std::uint16_t>(~checksum_fold(checksum_add(0, header))));

  const auto icmp = answer.subspan(ipv4_bytes);
  icmp[0] = std::byte{3};
  icmp[1] = std::byte{4};
  store_u16(icmp.subspan(6), mtu);
  std::ranges::copy(packet.first(quoted), icmp.subspan(icmp_bytes).begin());
  checksum_store(icmp.subspan(2), static_cast<std::uint16_t>(~checksum_fold(checksum_add(0, icmp))));
  return total;
}

std::size_t write_v6(std::span<const std::byte> packet, std::size_t mtu, std::span<std::byte> out) {
  const std::size_t quoted = std::min(packet.size(), packet_too_big_bytes_max - ipv6_bytes - icmp_bytes);
  const std::size_t total = ipv6_bytes + icmp_bytes + quoted;
  const auto answer = out.first(total);
  std::ranges::fill(answer.first(ipv6_bytes + icmp_bytes), std::byte{0});
  answer[0] = std::byte{0x60};
  store_u16(answer.subspan(ipv6_length_at), total - ipv6_bytes);
  answer[ipv6_next_header_at] = std::byte{protocol_icmpv6};
  answer[ipv6_hops_at] = hop_limit;
  std::ranges::copy(packet.subspan(ipv6_destination_at, 16), answer.subspan(ipv6_source_at).begin());
  std::ranges::copy(packet.subspan(ipv6_source_at, 16), answer.subspan(ipv6_destination_at).begin());

  const auto icmp = answer.subspan(ipv6_bytes);
  icmp[0] = std::byte{2};
  store_u32(icmp.subspan(4), static_cast<std::uint32_t>(mtu));
  std::ranges::copy(packet.first(quoted), icmp.subspan(icmp_bytes).begin());
  const auto sum = checksum_add(pseudo_header_sum(answer, protocol_icmpv6, icmp.size()), icmp);
  checksum_store(icmp.subspan(2), static_cast<std::uint16_t>(~checksum_fold(sum)));
  return total;
}

}  // namespace

std::size_t inner_mtu(std::size_t outer_mtu, bool outer_v6) {
  constexpr std::size_t trailer_bytes = 2;
  constexpr std::size_t outside_padding = esp_overhead_bytes_max - 3;  // padding to a multiple of four aside
  const std::size_t around = (outer_v6 ? ipv6_bytes : ipv4_bytes) + udp_bytes + outside_padding - trailer_bytes;
  if (outer_mtu < around + 4) return 0;
  return (outer_mtu - around) / 4 * 4 - trailer_bytes;
}

bool may_not_be_cut(std::span<const std::byte> packet) {
  return is_v6(packet) || (load_u16(packet.subspan(ipv4_fragment_at)) & ipv4_dont_fragment) != 0;
}

std::optional<std::size_t> write_packet_too_big(std::span<const std::byte> packet, std::size_t mtu,
                                                std::span<std::byte, packet_too_big_bytes_max> out) {
  if (packet.size() < ipv4_bytes) return std::nullopt;
  if (is_v6(packet)) return may_be_answered_v6(packet) ? std::optional{write_v6(packet, mtu, out)} : std::nullopt;
  return may_be_answered_v4(packet) ? std::optional{write_v4(packet, mtu, out)} : std::nullopt;
}

}  // namespace cloister::vpn
