#pragma once
/// What the two boxes say to each other about a block of finished keys. Alice leads.
///
///   Alice                                                Bob
///   OFFER{key size, at once, identifiers}  ───────────▶  asks his source for them
///          ◀──── CHECK{hash key, tag}                    has them all
///   AGREED ─▶                                            or, from either: DROP{reason}
///
/// An identifier says nothing of its key. Each decoder is strict: nothing is left over, no count beyond its limit.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "appliance/distill/chain.hpp"
#include "crypto/gf128.hpp"

namespace cloister::distill {

enum class ExternalMessage : std::uint8_t { offer = 1, check = 2, agreed = 3, drop = 4 };

/// Keys of a block: their identifiers fit one frame of a peer whoever he is.
inline constexpr std::size_t offered_keys_max = 512;
/// Of one key, in whole bytes.
inline constexpr std::uint32_t offered_key_bits_max = 8192;

struct Offer {
  std::uint32_t key_bits = 0;
  std::uint16_t at_once = 0;  // so many may be asked for in one request
  std::vector<std::string> ids;
};
/// All but a block's first 128 bits under a hash key that was drawn when both boxes had them, encrypted with those bits.
struct Check {
  crypto::VerificationKey key{};
  crypto::Block128 tag{};
};

[[nodiscard]] std::vector<std::byte> encode(const Offer& offer);
[[nodiscard]] std::optional<Offer> decode_offer(std::span<const std::byte> payload);
[[nodiscard]] std::vector<std::byte> encode(const Check& check);
[[nodiscard]] std::optional<Check> decode_check(std::span<const std::byte> payload);
/// Of a block of finished keys: one of the two reasons that there are.
[[nodiscard]] std::vector<std::byte> encode_external_drop(DropReason reason);
[[nodiscard]] std::optional<DropReason> decode_external_drop(std::span<const std::byte> payload);

}  // namespace cloister::distill
