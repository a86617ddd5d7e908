#pragma once
/// SHA-256 of what is no secret, as people and sha256sum(1) write it.

#include <cstddef>
#include <span>
#include <string>

namespace cloister::crypto {

/// 64 hexadecimal digits.
[[nodiscard]] std::string sha256_hex(std::span<const std::byte> bytes);

}  // namespace cloister::crypto
