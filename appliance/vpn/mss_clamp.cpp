#include "appliance/vpn/mss_clamp.hpp"

#include <cstdint>

#include "appliance/vpn/big_endian.hpp"
#include "appliance/vpn/checksum.hpp"
#include "appliance/vpn/ip_header.hpp"

namespace cloister::vpn {
namespace {

constexpr std::byte tcp_syn{0x02};
constexpr unsigned option_end = 0;
constexpr unsigned option_no_operation = 1;
constexpr unsigned option_mss = 2;
constexpr std::size_t option_mss_bytes = 4;

/// TCP's header with its options, of a SYN; empty for anything else.
std::span<std::byte> syn_header(std::span<std::byte> packet) {
  if (packet.size() < ipv4_bytes + tcp_bytes) return {};
  const unsigned version = std::to_integer<unsigned>(packet[0]) >> 4U;
  std::size_t ip_bytes = ipv6_bytes;
  if (version == 4) {
    ip_bytes = 4 * (std::to_integer<std::size_t>(packet[0]) & 15U);
    const bool first = (load_u16(packet.subspan(ipv4_fragment_at)) & ipv4_fragment_offset) == 0;
    if (ip_bytes < ipv4_bytes || !first || packet[ipv4_protocol_at] != std::byte{protocol_tcp}) return {};
  } else if (version != 6 || packet[ipv6_next_header_at] != std::byte{protocol_tcp}) {
    return {};
  }
  if (packet.size() < ip_bytes + tcp_bytes) return {};
  const auto tcp = packet.subspan(ip_bytes);
  const std::size_t bytes = 4 * (std::to_integer<std::size_t>(tcp[tcp_offset_at]) >> 4U);
  const bool syn = (tcp[tcp_flags_at] & tcp_syn) != std::byte{0};
  return syn && bytes >= tcp_bytes && bytes <= tcp.size() ? tcp.first(bytes) : std::span<std::byte>{};
}

/// Where the value of the MSS option begins; 0: there is none.
std::size_t mss_at(std::span<const std::byte> header) {
  for (std::size_t at = tcp_bytes; at < header.size();) {
    const auto kind = std::to_integer<unsigned>(header[at]);
    if (kind == option_end) return 0;
    if (kind == option_no_operation) {
      ++at;
      continue;
    }
    if (at + 1 >= header.size()) return 0;
    const auto bytes = std::to_integer<std::size_t>(header[at + 1]);
    if (bytes < 2 || at + bytes > header.size()) return 0;
    if (kind == option_mss && bytes == option_mss_bytes) return at + 2;
    at += bytes;
  }
  return 0;
}

/// As it is in the sum: at an odd place with its bytes exchanged.
std::uint16_t in_sum(std::size_t at, std::uint16_t value) {
  return at % 2 == 0 ? value : static_cast<std::uint16_t>(value << 8U | value >> 8U);
}

}  // namespace

bool clamp_mss(std::span<std::byte> packet, std::size_t mtu) {
  const auto header = syn_header(packet);
  const std::size_t at = mss_at(header);
  if (at == 0) return false;
  const bool v6 = (std::to_integer<unsigned>(packet[0]) >> 4U) == 6;
  const std::size_t headers = (v6 ? ipv6_bytes : ipv4_bytes) + tcp_bytes;
  const auto before = load_u16(header.subspan(at));
  if (mtu <= headers || before <= mtu - headers) return false;
  const auto after = static_cast<std::uint16_t>(mtu - headers);
  store_u16(header.subspan(at), after);
  checksum_mend(header.subspan(tcp_checksum_at), in_sum(at, before), in_sum(at, after));
  return true;
}

}  // namespace cloister::vpn
