#pragma once
/// A box's long-term key for bootstraps: ML-DSA-65 (FIPS 204), made from a seed that only the TPM's seal leaves on
/// disk. The seed lives in the arena; the key itself, which OpenSSL keeps in its own memory and wipes, is made anew for
/// each use.

#include <cstddef>
#include <span>
#include <utility>

#include "crypto/error.hpp"
#include "crypto/public_key.hpp"
#include "crypto/random.hpp"
#include "crypto/secret.hpp"

namespace cloister::crypto {

class Identity {
 public:
  [[nodiscard]] static Result<Identity> generate(Random& random);
  /// From what `expose` gave to the TPM.
  [[nodiscard]] static Result<Identity> from_sealed(std::span<const std::byte> bytes);

  [[nodiscard]] const Fingerprint& fingerprint() const { return fingerprint_; }
  /// The key pair, for one handshake or signature.
  [[nodiscard]] KeyPointer key() const;
  /// For the TPM to seal: a mark that names the algorithm (and tells an identity from a sealed PSK), and the seed xi of
  /// FIPS 204, algorithm 1.
  [[nodiscard]] std::span<const std::byte> expose() const { return sealed_form_.expose(); }

 private:
  using SealedForm = Secret<struct IdentityRole, 33>;
  explicit Identity(SealedForm sealed_form) : sealed_form_{std::move(sealed_form)} {}
  [[nodiscard]] static Result<Identity> from(SealedForm sealed_form);

  SealedForm sealed_form_;
  Fingerprint fingerprint_;
};

}  // namespace cloister::crypto
