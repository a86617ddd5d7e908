#pragma once
/// A PSK as couriers carry it: 64 hexadecimal digits, or two halves whose XOR it is, so that no courier knows the key.
///
///   1of2 SSSSSSSS HHHHHHHH … HHHHHHHH CCCCCCCC      which half; the pair it belongs to; 32 bytes; checksum over all that
///
/// Each half alone is random: the first is drawn, and the second is the PSK under it as a one-time pad. The pair's number
/// is drawn too, and a half's checksum is made of that half alone, so nothing that a courier sees depends on both.

#include <array>
#include <cstddef>
#include <span>
#include <variant>

#include "crypto/credentials.hpp"
#include "crypto/error.hpp"
#include "crypto/random.hpp"
#include "crypto/secret.hpp"

namespace cloister::crypto {

struct PskHalf {
  unsigned number;                // 1 or 2
  std::array<std::byte, 4> pair;  // the same in both halves of one PSK
  Secret<struct PskHalfRole, Psk::size> share;
};

using PskText = Secret<struct PskTextRole, 2 * Psk::size>;
/// In groups of eight, for the eyes.
using PskHalfText = Secret<struct PskHalfTextRole, 94>;

/// More than a line of a courier has, whatever spaces he puts in.
inline constexpr std::size_t psk_line_bytes_max = 256;

[[nodiscard]] std::array<PskHalf, 2> split(const Psk& psk, Random& random);
/// Refuses the same half twice, and halves of two PSKs.
[[nodiscard]] Result<Psk> join(const PskHalf& one, const PskHalf& other);

[[nodiscard]] PskText to_text(const Psk& psk);
[[nodiscard]] PskHalfText to_text(const PskHalf& half);
/// One line, spaces anywhere, letters of either case.
[[nodiscard]] Result<std::variant<Psk, PskHalf>> parse_psk(std::span<const std::byte> line);

}  // namespace cloister::crypto
