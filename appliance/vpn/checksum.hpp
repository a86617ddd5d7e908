#pragma once
/// The Internet checksum (RFC 1071) of IP, TCP and UDP, over bytes in memory order.

#include <cstddef>
#include <cstdint>
#include <span>

namespace cloister::vpn {

/// A running sum: congruent to the sum of the 16-bit words, modulo 2^16 - 1. Parts but the last have an even length.
using ChecksumSum = std::uint64_t;

/// Adds bytes (at most 64 KiB) to a sum, by the fastest kernel this processor has.
[[nodiscard]] ChecksumSum checksum_add(ChecksumSum sum, std::span<const std::byte> bytes);
/// The plain twin, which tests and benchmarks hold the other to.
[[nodiscard]] ChecksumSum checksum_add_portable(ChecksumSum sum, std::span<const std::byte> bytes);

/// The sum as 16 bits, in memory order: 0xFFFF over data that hold their right checksum.
[[nodiscard]] std::uint16_t checksum_fold(ChecksumSum sum);
/// Stores a value of memory order.
void checksum_store(std::span<std::byte> where, std::uint16_t value);

/// Mends a checksum field, in a packet whose 16-bit word, of an even place, has changed (RFC 1624, equation 3). Right
/// stays right, wrong stays wrong.
void checksum_mend(std::span<std::byte> field, std::uint16_t before, std::uint16_t after);

/// Addresses, protocol and length of the pseudo-header (RFC 9293, 3.1; RFC 8200, 8.1) of an IPv4 or IPv6 packet.
[[nodiscard]] ChecksumSum pseudo_header_sum(std::span<const std::byte> packet, std::uint8_t protocol,
                                            std::size_t transport_bytes);

}  // namespace cloister::vpn
