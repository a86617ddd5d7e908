#pragma once
/// Tunnels that send datagrams of one length at a constant rate: what that takes, and what does not go with it.

#include <cstdint>

#include "config/model.hpp"
#include "config/section.hpp"

namespace cloister::config {

/// Of a box's tunnels together: one thread sends them.
inline constexpr std::uint64_t constant_packets_per_second_max = 100'000;

/// The length of each datagram, its IP header included, where the way to the peer takes it.
[[nodiscard]] std::uint64_t constant_datagram_bytes(const Tunnel& tunnel);
[[nodiscard]] std::uint64_t constant_bits_per_second(const Tunnel& tunnel);

void read_constant_rate(Section& section, Tunnel& tunnel);
/// All of the tunnel has been read.
void expect_constant_rate(Section& section, const Tunnel& tunnel);

}  // namespace cloister::config
