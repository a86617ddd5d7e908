#pragma once
/// What the two chains say to each other about a block. Bob leads.
///
///   Bob                                              Alice
///   SIFT{epoch, slots, bases, test bits}  ─────────▶ looks symbols up
///         ◀──── SIFT_REPLY{her bases, intensities, test errors}     … until the block is full
///   FULL{n, seed} ─▶     PASS{block length} ─▶ ◀─ PARITIES      ASK{ranges} ─▶ ◀─ ANSWERS       Cascade
///   RECONCILED ─▶ ◀─ VERIFY{key, hash}       VERDICT{all counts} ─▶ ◀─ AMPLIFY{length, errors, confirmation, seed}
///   either: DROP{reason}
///
/// Bits of the key basis never cross. Bob tells his test-basis bits at once: all light of the frame has been detected
/// by then, and they make no key. sift_messages.hpp has these two. Each decoder is strict: nothing is left over, no count beyond its limit.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "appliance/distill/account.hpp"
#include "appliance/distill/bit_string.hpp"
#include "appliance/distill/cascade.hpp"
#include "appliance/distill/chain.hpp"
#include "crypto/gf128.hpp"

namespace cloister::distill {

enum class MessageType : std::uint8_t {
  sift = 1,
  sift_reply = 2,
  full = 3,
  pass = 4,
  parities = 5,
  ask = 6,
  answers = 7,
  reconciled = 8,
  verify = 9,
  verdict = 10,
  amplify = 11,
  drop = 12,
};

/// Sifted bits of one block, at most: what bounds memory whatever the peer says.
inline constexpr std::size_t block_bits_max = std::size_t{1} << 27U;

struct FullMessage {
  std::uint64_t bits = 0;
  std::uint64_t seed = 0;  // of the passes' orders; public
};
struct VerifyMessage {
  crypto::VerificationKey key;
  crypto::Block128 hash;
};
/// Bob alone knows the errors of the key basis; what both counted he tells too, and Alice compares.
struct VerdictMessage {
  bool equal = false;
  BasisCounts key;
  BasisCounts test;
};
struct AmplifyMessage {
  std::uint64_t length_bits = 0;
  std::array<std::uint64_t, intensities_max> errors{};  // of the key basis, as Alice heard them
  crypto::Block128 confirmation{};
  std::vector<std::uint64_t> seed;
};

[[nodiscard]] std::vector<std::byte> encode(const FullMessage& message);
[[nodiscard]] std::optional<FullMessage> decode_full(std::span<const std::byte> payload);
[[nodiscard]] std::vector<std::byte> encode_pass(std::uint32_t block_words);
[[nodiscard]] std::optional<std::uint32_t> decode_pass(std::span<const std::byte> payload);
[[nodiscard]] std::vector<std::byte> encode(const std::vector<ParityQuestion>& questions);
[[nodiscard]] std::optional<std::vector<ParityQuestion>> decode_questions(std::span<const std::byte> payload);
[[nodiscard]] std::vector<std::byte> encode_bits(const BitString& bits);
[[nodiscard]] std::optional<BitString> decode_bits(std::span<const std::byte> payload);
[[nodiscard]] std::vector<std::byte> encode(const VerifyMessage& message);
[[nodiscard]] std::optional<VerifyMessage> decode_verify(std::span<const std::byte> payload);
[[nodiscard]] std::vector<std::byte> encode(const VerdictMessage& message);
[[nodiscard]] std::optional<VerdictMessage> decode_verdict(std::span<const std::byte> payload);
[[nodiscard]] std::vector<std::byte> encode(const AmplifyMessage& message);
/// `bits` is the length of the block.
[[nodiscard]] std::optional<AmplifyMessage> decode_amplify(std::span<const std::byte> payload, std::size_t bits);
[[nodiscard]] std::vector<std::byte> encode(DropReason reason);
[[nodiscard]] std::optional<DropReason> decode_drop(std::span<const std::byte> payload);

}  // namespace cloister::distill
