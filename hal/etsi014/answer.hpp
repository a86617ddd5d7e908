#pragma once
/// What a key management entity (KME) answers, ETSI GS QKD 014 V1.1.1: JSON in, limits and keys out. A KME is believed
/// what its keys are worth, and nothing else: each number, name and length is held against what was asked.
///
///   body (in the arena) ─▶ plain escapes taken out, in place ─▶ Boost.JSON (its memory in the arena) ─▶ base64 ─▶ FinishedKey

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crypto/error.hpp"
#include "crypto/secret.hpp"
#include "hal/finished_key.hpp"

namespace cloister::hal::etsi014 {

/// Of an answer, at most: what bounds memory whatever the KME says.
inline constexpr std::size_t body_bytes_max = std::size_t{128} * 1024;
/// The same of what has no keys: status, and errors.
inline constexpr std::size_t small_body_bytes_max = std::size_t{16} * 1024;
/// What an answer's JSON may take beside its text: four times what a key container takes.
[[nodiscard]] constexpr std::size_t json_bytes_max(std::size_t body_bytes) {
  return std::size_t{32} * 1024 + 8 * body_bytes;
}
/// Of a key: a block's tags must be worth their while, and one key is not to be a whole block.
inline constexpr std::uint32_t key_bits_least = 64;
inline constexpr std::uint32_t key_bits_most = 8192;

/// The parts of Status that a client goes by; all but `max_key_count` are required.
struct Limits {
  std::uint32_t stored_key_count = 0;
  std::optional<std::uint32_t> max_key_count = std::nullopt;  // stored at most
  std::uint32_t max_key_per_request = 0;
  std::uint32_t max_key_size = 0;  // bits
  std::uint32_t min_key_size = 0;  // bits
};

/// Changes the body: escapes are taken out of it.
[[nodiscard]] Result<Limits> parse_status(std::span<char> body);
/// Why keys of that size cannot be had of a KME with these limits, or nothing.
[[nodiscard]] Result<> check_size(const Limits& limits, std::uint32_t key_bits);
/// Why a KME with these limits never has that many keys, or nothing.
[[nodiscard]] Result<> check_count(const Limits& limits, std::uint32_t count);
/// How many keys of that size to ask for at once: as many as the KME gives, and as one answer has room for.
[[nodiscard]] std::uint32_t keys_at_once(const Limits& limits, std::uint32_t key_bits);

/// A key container with `count` keys of `key_bits` each, no name twice. Changes the body.
[[nodiscard]] Result<std::vector<FinishedKey>> parse_keys(std::span<char> body, std::uint32_t key_bits,
                                                          std::size_t count);
/// The same keys in the order of `ids`; an error: they are not those.
[[nodiscard]] Result<std::vector<FinishedKey>> in_order(std::vector<FinishedKey> keys,
                                                        std::span<const std::string> ids);

/// What was asked, as an error has it: "status", "enc_keys", "dec_keys".
enum class Call { status, enc_keys, dec_keys };
[[nodiscard]] const char* to_string(Call call);
/// An answer with a status other than 200, for a person: what it means and what to do. Changes the body.
[[nodiscard]] std::string explain(Call call, unsigned status, std::span<char> body);

/// Takes escapes of plain characters (\/, \u002b, and the like) out of JSON, in place; the new length. The JSON library would
/// put a string that has them together on the stack.
[[nodiscard]] std::size_t without_plain_escapes(std::span<char> text);

}  // namespace cloister::hal::etsi014
