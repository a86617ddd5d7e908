#pragma once
/// DSCP (RFC 2474) and ECN (RFC 3168) of inner and outer packets: the former IPv4 TOS or IPv6 traffic class, eight
/// bits.

#include <cstddef>
#include <cstdint>
#include <span>

namespace cloister::vpn {

/// Of a whole IP packet.
[[nodiscard]] std::uint8_t traffic_class_of(std::span<const std::byte> packet);

/// What congestion the outer packet has met, put into the inner one (RFC 6040, section 4.2, figure 4), whose checksum
/// stays right. False: it must be dropped, as its sender would not understand the mark.
[[nodiscard]] bool take_congestion(std::span<std::byte> packet, std::uint8_t outer_class);

}  // namespace cloister::vpn
