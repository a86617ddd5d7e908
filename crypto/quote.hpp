#pragma once
/// A TPM's signed word on what its machine has started (TPM2_Quote): values of PCRs, and the challenge of whoever asked.
///
///   firmware, boot loader, kernel image ── measured ──▶ PCRs ── TPM2_Quote(challenge) ──▶ quote ── check
///
/// The key that signs is the TPM's own and restricted: it signs nothing else that could pass for a quote (TPM 2.0 part 1,
/// "Restricted Attribute"). It follows from the TPM's endorsement seed, so a factory reset leaves it as it is. Nothing here is secret.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/error.hpp"
#include "crypto/pcr_policy.hpp"

namespace cloister::crypto {

inline constexpr std::size_t challenge_bytes_max = 32;
inline constexpr std::size_t quote_text_bytes_max = std::size_t{1} << 20U;

/// As a box gives it. Nothing of it is true before it was checked.
struct Quote {
  std::vector<std::byte> key;        // TPMT_PUBLIC of the key that signs
  std::vector<std::byte> statement;  // TPMS_ATTEST
  std::vector<std::byte> signature;  // ECDSA-Sig-Value in DER (RFC 3279, 2.2.3)
  PcrValues pcrs;                    // whose digest the statement has
  std::vector<std::byte> boot_log;   // how the firmware says that they came about; empty where it keeps no log
  bool operator==(const Quote&) const = default;
};

/// SHA-256 of the public area of a quote's key, its attributes included.
[[nodiscard]] PcrDigest quoting_key_fingerprint(std::span<const std::byte> key);
/// Whether a statement (TPMS_ATTEST), once its signature is known to be good, is a quote of these PCRs for this challenge.
[[nodiscard]] Result<> check_statement(std::span<const std::byte> statement, const PcrValues& pcrs,
                                       std::span<const std::byte> challenge);

/// An error: it is not a restricted key's quote of these PCRs for this challenge.
[[nodiscard]] Result<> check_quote(const Quote& quote, std::span<const std::byte> challenge);

/// {"key", "statement", "signature", "boot_log": base64, "pcrs": [{"pcr", "sha256"}]}
[[nodiscard]] std::string to_json(const Quote& quote);
[[nodiscard]] Result<Quote> parse_quote(std::string_view text);

}  // namespace cloister::crypto
