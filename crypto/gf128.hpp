#pragma once
/// Polynomial hashing over GF(2^128), the GHASH field (NIST SP 800-38D, 6.3-6.4): verification, and Wegman-Carter tags.
///
///   value = (…((b1·H + b2)·H + b3)·H … + bn)·H      over 16-byte blocks b1 … bn
///
/// For messages of n blocks two different ones collide with probability at most n / 2^128 over a uniform H.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "crypto/secret.hpp"

namespace cloister::crypto {

/// A field element in GHASH's byte order.
using Block128 = std::array<std::byte, 16>;
using HashKey = Secret<struct HashKeyRole, 16>;
/// One use: encrypts one tag, then goes.
using TagPad = Secret<struct TagPadRole, 16>;

/// The running polynomial over a sequence of byte strings. Each `update` is one whole item: it is padded with zeros to
/// whole blocks, so the caller's encoding must carry the lengths of its items. The value is secret until padded.
class PolynomialHash {
 public:
  explicit PolynomialHash(const HashKey& key);
  PolynomialHash(PolynomialHash&&) noexcept;
  PolynomialHash& operator=(PolynomialHash&&) noexcept;
  ~PolynomialHash();
  PolynomialHash(const PolynomialHash&) = delete;
  PolynomialHash& operator=(const PolynomialHash&) = delete;

  void update(std::span<const std::byte> item);
  /// Continues with the items that `tail` (same key) has seen: the value is then that of both sequences in a row.
  void append(const PolynomialHash& tail);
  [[nodiscard]] std::uint64_t blocks() const;
  /// The value so far; secret.
  [[nodiscard]] Block128 value() const;

 private:
  struct State;
  State* state_;
};

/// value ⊕ pad, and the pad is gone: a Wegman-Carter tag.
[[nodiscard]] Block128 seal_tag(const PolynomialHash& hash, TagPad pad);
/// Constant time. The pad is the caller's still, so that a forgery burns nothing.
[[nodiscard]] bool tag_matches(const PolynomialHash& hash, const TagPad& pad, const Block128& tag);

/// The verification hash of a corrected block: a 128-bit polynomial hash of the bits, their number last, under a public
/// random key that is chosen after error correction. `key_bits` are the bits of a `SecretBits`.
struct VerificationKey {
  std::array<std::byte, 16> key;
};
[[nodiscard]] Block128 verification_hash(const VerificationKey& key, std::span<const std::uint64_t> words,
                                         std::size_t bits);

}  // namespace cloister::crypto
