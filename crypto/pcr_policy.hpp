#pragma once
/// Which states of a machine may open what its TPM has sealed: values of its PCRs that an operator's key has signed.
///
///   PCRs ── TPM2_PolicyPCR ──▶ policy digest ── signed by the policy key? ── TPM2_PolicyAuthorize ──▶ opens
///
/// What is sealed names the key, not the values: an update needs another signature, and nothing is sealed again. The
/// file of signatures is that of systemd-measure(1) and systemd-stub(7), so one that comes with a kernel image serves:
///
///   {"sha256": [{"pcrs": [11], "pkfp": key, "pol": digest, "sig": RSASSA-PKCS1-v1.5 with SHA-256 of that, base64}]}
///
/// Where "generation" stands beside them, the state opens only while the TPM's counter of generations is not above that
/// number. What is signed is then the digest and a reference, so that a policy without a generation never stands for one
/// with it:
///
///   PCRs ── TPM2_PolicyPCR ──▶ ── TPM2_PolicyNV: counter ≤ generation ──▶ digest, reference ── signed? ──▶ opens

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/error.hpp"
#include "crypto/public_key.hpp"

namespace cloister::crypto {

/// A PCR of the bank SHA-256, or the digest of a policy.
using PcrDigest = std::array<std::byte, 32>;
using PcrValues = std::map<unsigned, PcrDigest>;

inline constexpr unsigned pcr_max = 23;
inline constexpr std::size_t pcr_signatures_bytes_max = 65536;

/// What of the configuration sealed objects are bound to.
struct PcrBinding {
  std::vector<unsigned> pcrs;  // ascending; empty: to none
  std::string policy_key;      // path of the public key, PEM
  std::string signatures;      // path of the signed policies
  bool generations = false;    // to states whose signature names a generation, and none that is older than the TPM's
  std::vector<unsigned> unchanged;  // ascending; besides, to the values that these PCRs have when it is sealed
  [[nodiscard]] bool bound() const { return !pcrs.empty(); }
};

struct SignedPcrPolicy {
  std::vector<unsigned> pcrs;  // ascending
  std::string key;             // fingerprint of the key: SHA-256 of its RSAPublicKey in DER, hexadecimal
  PcrDigest policy{};
  std::vector<std::byte> signature;
  std::optional<std::uint64_t> generation;
  bool operator==(const SignedPcrPolicy&) const = default;
};

/// 64 hexadecimal digits.
[[nodiscard]] std::optional<PcrDigest> pcr_digest_from_hex(std::string_view text);
[[nodiscard]] std::string pcr_digest_hex(const PcrDigest& digest);

/// As a command line gives them: "7=HEX" each.
[[nodiscard]] Result<PcrValues> parse_pcr_values(std::span<const std::string> texts);

/// TPM 2.0 part 3, 23.7: what TPM2_PolicyPCR makes of these values, in a fresh session; and what 23.9, TPM2_PolicyNV,
/// makes of that where it is to hold up to a generation.
[[nodiscard]] PcrDigest pcr_policy(const PcrValues& values, std::optional<std::uint64_t> generation = {});
/// The policyRef of TPM2_PolicyAuthorize for policies that name a generation, or for others: of those it is empty.
[[nodiscard]] std::span<const std::byte> policy_reference(bool generations);

/// Only the bank SHA-256 is read; other banks are left out.
[[nodiscard]] Result<std::vector<SignedPcrPolicy>> parse_pcr_signatures(std::string_view text);
[[nodiscard]] std::string to_json(std::span<const SignedPcrPolicy> policies);

/// An RSA key of 2048 bits, which every TPM can verify with.
class PolicyKey {
 public:
  [[nodiscard]] static Result<PolicyKey> parse_public(std::string_view pem);
  /// One with a passphrase is asked for on the terminal.
  [[nodiscard]] static Result<PolicyKey> parse_private(std::string_view pem);

  [[nodiscard]] const std::string& fingerprint() const { return fingerprint_; }
  [[nodiscard]] std::vector<std::byte> modulus() const;
  [[nodiscard]] bool verifies(const SignedPcrPolicy& policy) const;
  /// With a private key only.
  [[nodiscard]] SignedPcrPolicy sign(const PcrValues& values, std::optional<std::uint64_t> generation = {}) const;
  /// The same state as one of this generation. An error: this key has not signed it, or it has a generation.
  [[nodiscard]] Result<SignedPcrPolicy> number(const SignedPcrPolicy& policy, std::uint64_t generation) const;

 private:
  explicit PolicyKey(KeyPointer key);
  [[nodiscard]] SignedPcrPolicy with_signature(SignedPcrPolicy policy) const;
  [[nodiscard]] static Result<PolicyKey> checked(KeyPointer key);
  KeyPointer key_;
  std::string fingerprint_;
};

}  // namespace cloister::crypto
