#pragma once
/// A box's public key as people handle it: a PEM file that a courier carries, and the fingerprint that two operators
/// compare.

#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "crypto/error.hpp"

namespace cloister::crypto {

enum class KeyKind { ml_dsa_65, ecdsa_p256, ecdsa_p384 };
/// "ML-DSA-65", "ECDSA P-256", "ECDSA P-384".
[[nodiscard]] const char* to_string(KeyKind kind);

struct FreeKey {
  void operator()(EVP_PKEY* key) const;
};
using KeyPointer = std::unique_ptr<EVP_PKEY, FreeKey>;

/// SHA-256 of the SubjectPublicKeyInfo in DER (RFC 5280, 4.1.2.7), 64 lower-case hexadecimal digits.
struct Fingerprint {
  std::string hex;
  bool operator==(const Fingerprint&) const = default;
};

inline constexpr std::size_t public_key_text_bytes_max = 8192;

[[nodiscard]] Fingerprint fingerprint_of(const EVP_PKEY* key);
/// Of ECDSA, by its point, uncompressed (SEC 1, 2.3.3). Null where it is none of the curve, or the kind has no point.
[[nodiscard]] KeyPointer key_by_point(KeyKind kind, std::span<const std::byte> point);
/// `digest`: OpenSSL's name of what is signed of a message, or null where it is the message itself.
[[nodiscard]] bool verifies(EVP_PKEY* key, const char* digest, std::span<const std::byte> signature,
                            std::span<const std::byte> message);
/// "-----BEGIN PUBLIC KEY-----", base64 of the SubjectPublicKeyInfo, end (RFC 7468, 13).
[[nodiscard]] std::string to_pem(const EVP_PKEY* key);
/// Strict: a key of one of the kinds as `to_pem` writes it, and nothing else; the ends of its lines may be those of another
/// system.
[[nodiscard]] Result<KeyPointer> parse_public_key(std::string_view pem);

}  // namespace cloister::crypto
