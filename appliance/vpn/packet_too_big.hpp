#pragma once
/// What does not fit the way to the peer: how long an inner packet may be, and the word to its sender.

#include <cstddef>
#include <optional>
#include <span>

namespace cloister::vpn {

/// The longest inner packet whose ESP datagram, in UDP over IPv4 or IPv6, is at most `outer_mtu` bytes.
[[nodiscard]] std::size_t inner_mtu(std::size_t outer_mtu, bool outer_v6);

/// Whether its sender forbids to cut it: IPv4 with DF, and IPv6 always (RFC 8200, section 5).
[[nodiscard]] bool may_not_be_cut(std::span<const std::byte> packet);

/// As much as `write_packet_too_big` writes.
inline constexpr std::size_t packet_too_big_bytes_max = 1280;

/// ICMP "fragmentation needed" (RFC 792 with RFC 1191, section 4), or ICMPv6 "packet too big" (RFC 4443, section 3.2),
/// to the sender of an inner packet, as though the host that it was for had said so: so it passes every filter by
/// source that packets from there pass, and needs no address of this box. Its length; nothing where no error may be
/// sent (RFC 1122, section 3.2.2; RFC 4443, section 2.4 e): about errors, groups, later fragments and senders that are
/// nobody.
[[nodiscard]] std::optional<std::size_t> write_packet_too_big(std::span<const std::byte> packet, std::size_t mtu,
                                                              std::span<std::byte, packet_too_big_bytes_max> out);

}  // namespace cloister::vpn
