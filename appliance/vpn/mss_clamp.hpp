#pragma once
/// The maximum segment size that a TCP host announces, lowered to what fits a tunnel (as RFC 4821, section 7.2 knows
/// it of middleboxes), so that its peer sends nothing that would have to be refused.

#include <cstddef>
#include <span>

namespace cloister::vpn {

/// Lowers the MSS option of a SYN (RFC 9293, 3.7.1) so that a segment with IP and TCP headers without options fits
/// `mtu` bytes, and mends the checksum, which stays right or wrong as it was. All else is left as it is: packets of
/// other kinds, SYNs without the option, IPv6 packets with extension headers. Whether it has changed something.
bool clamp_mss(std::span<std::byte> packet, std::size_t mtu);

}  // namespace cloister::vpn
