#pragma once
/// SHA-256 of what is no secret, as people and sha256sum(1) write it.

#include <array>
#include <cstddef>
#include <span>
#include <string>

namespace cloister::crypto {

[[nodiscard]] std::array<std::byte, 32> sha256(std::span<const std::byte> bytes);
/// 64 hexadecimal digits.
[[nodiscard]] std::string sha256_hex(std::span<const std::byte> bytes);

}  // namespace cloister::crypto
