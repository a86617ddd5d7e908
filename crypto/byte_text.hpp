#pragma once
/// Bytes that are no secret, as text: hexadecimal digits in lower case, and base64 (RFC 4648, 4) with its padding.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cloister::crypto {

[[nodiscard]] std::string to_hex(std::span<const std::byte> bytes);
/// Digits of either case, and nothing else.
[[nodiscard]] std::optional<std::vector<std::byte>> from_hex(std::string_view text);
[[nodiscard]] std::string to_base64(std::span<const std::byte> bytes);
/// The one text that `to_base64` makes of some bytes.
[[nodiscard]] std::optional<std::vector<std::byte>> from_base64(std::string_view text);

}  // namespace cloister::crypto
