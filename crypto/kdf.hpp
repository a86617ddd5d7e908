#pragma once
/// HKDF-SHA-512 (RFC 5869) and HMAC-SHA-256 (RFC 2104), by OpenSSL.

#include <array>
#include <cstddef>
#include <span>

#include "crypto/secret.hpp"

namespace cloister::crypto {

/// Extract and expand in one: fills `out` (at most 255 * 64 bytes) from the secret `input`, with `salt` and `info`
/// public.
void hkdf_sha512(std::span<const std::byte> input, std::span<const std::byte> salt, std::span<const std::byte> info,
                 std::span<std::byte> out);
void hkdf_sha256(std::span<const std::byte> input, std::span<const std::byte> salt, std::span<const std::byte> info,
                 std::span<std::byte> out);

/// 256 bits of QKD key for one generation of a tunnel's SAs; only the derivation of SA keys reads it.
using TunnelKey = Secret<struct TunnelKeyRole, 32>;

using MacKey = Secret<struct MacKeyRole, 32>;
using Mac256 = std::array<std::byte, 32>;

/// HMAC-SHA-256 over the parts in a row.
[[nodiscard]] Mac256 hmac_sha256(std::span<const std::byte> key, std::span<const std::byte> first,
                                 std::span<const std::byte> second = {});

/// Constant-time comparison of public-length byte strings; false when the lengths differ.
[[nodiscard]] bool equal_constant_time(std::span<const std::byte> a, std::span<const std::byte> b);

}  // namespace cloister::crypto
