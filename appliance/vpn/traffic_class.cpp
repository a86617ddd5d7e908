#include "appliance/vpn/traffic_class.hpp"

#include "appliance/vpn/big_endian.hpp"
#include "appliance/vpn/checksum.hpp"
#include "appliance/vpn/ip_header.hpp"

namespace cloister::vpn {
namespace {

constexpr unsigned ecn_bits = 3;
constexpr unsigned not_capable = 0;
constexpr unsigned capable_1 = 1;  // ECT(1)
constexpr unsigned capable_0 = 2;  // ECT(0)
constexpr unsigned congested = 3;  // CE

bool is_v6(std::span<const std::byte> packet) { return (std::to_integer<unsigned>(packet[0]) >> 4U) == 6; }

void set_ecn(std::span<std::byte> packet, unsigned ecn) {
  const auto shift = is_v6(packet) ? 4U : 0U;
  const auto before = load_u16(packet);
  const auto after = static_cast<std::uint16_t>((before & ~(ecn_bits << shift)) | ecn << shift);
  store_u16(packet, after);
  if (!is_v6(packet)) checksum_mend(packet.subspan(ipv4_checksum_at), before, after);
}

}  // namespace

std::uint8_t traffic_class_of(std::span<const std::byte> packet) {
  return is_v6(packet) ? static_cast<std::uint8_t>(load_u16(packet) >> 4U) : std::to_integer<std::uint8_t>(packet[1]);
}

bool take_congestion(std::span<std::byte> packet, std::uint8_t outer_class) {
  const unsigned inner = traffic_class_of(packet) & ecn_bits;
  const unsigned outer = outer_class & ecn_bits;
  if (inner == not_capable) return outer != congested;
  if (outer == congested && inner != congested) set_ecn(packet, congested);
  if (outer == capable_1 && inner == capable_0) set_ecn(packet, capable_1);
  return true;
}

}  // namespace cloister::vpn
