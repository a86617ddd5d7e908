#pragma once
/// X25519 (RFC 7748), by libsodium.

#include <array>
#include <cstddef>
#include <span>

#include "crypto/error.hpp"
#include "crypto/random.hpp"
#include "crypto/secret.hpp"

namespace cloister::crypto {

inline constexpr std::size_t x25519_public_bytes = 32;
using X25519Public = std::array<std::byte, x25519_public_bytes>;
using X25519Scalar = Secret<struct X25519ScalarRole, 32>;
/// What both sides have.
using X25519Secret = Secret<struct X25519SecretRole, 32>;

/// A fresh key pair; agrees once and is gone.
class X25519KeyPair {
 public:
  explicit X25519KeyPair(Random& random);
  /// For known answers.
  explicit X25519KeyPair(X25519Scalar scalar);

  [[nodiscard]] const X25519Public& public_key() const { return public_; }
  /// Refuses a public key of low order, which would give everybody the same secret (RFC 7748, 6.1).
  [[nodiscard]] Result<X25519Secret> agree(std::span<const std::byte, x25519_public_bytes> peer) &&;

 private:
  X25519Scalar scalar_;
  X25519Public public_{};
};

}  // namespace cloister::crypto
