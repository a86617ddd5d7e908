#pragma once
/// A box's long-term key for bootstraps, of one of two kinds:
///   - ML-DSA-65 (FIPS 204), made from a seed that only the TPM's seal leaves on disk. The seed lives in the arena; the key
///     itself, which OpenSSL keeps in its own memory and wipes, is made anew for each use.
///   - ECDSA on P-256 or P-384, made in the TPM, which it never leaves: here is its public half, and whom to ask.

#include <cstddef>
#include <span>
#include <utility>
#include <variant>

#include "crypto/error.hpp"
#include "crypto/public_key.hpp"
#include "crypto/random.hpp"
#include "crypto/secret.hpp"
#include "crypto/signing_provider.hpp"

namespace cloister::crypto {

class Identity {
 public:
  [[nodiscard]] static Result<Identity> generate(Random& random);
  /// From what `expose` gave to the TPM.
  [[nodiscard]] static Result<Identity> from_sealed(std::span<const std::byte> bytes);

  /// Of a key that is kept elsewhere: its point, and who signs with it.
  [[nodiscard]] static Result<Identity> kept_elsewhere(KeyKind kind, std::vector<std::byte> point, Signer signer);

  [[nodiscard]] KeyKind kind() const;
  [[nodiscard]] const Fingerprint& fingerprint() const { return fingerprint_; }
  /// The key pair, for one handshake or signature.
  [[nodiscard]] KeyPointer key() const;
  /// For the TPM to seal, of an ML-DSA-65 key: a mark that names the algorithm (and tells an identity from a sealed PSK), and the seed xi of
  /// FIPS 204, algorithm 1.
  [[nodiscard]] std::span<const std::byte> expose() const;

 private:
  using SealedForm = Secret<struct IdentityRole, 33>;
  struct Elsewhere {
    KeyKind kind;
    std::vector<std::byte> point;
    Signer signer;
  };
  using Kept = std::variant<SealedForm, Elsewhere>;
  explicit Identity(Kept kept) : kept_{std::move(kept)} {}
  [[nodiscard]] static Result<Identity> from(SealedForm sealed_form);
  [[nodiscard]] static KeyPointer key_from(const SealedForm& sealed_form);

  Kept kept_;
  Fingerprint fingerprint_;
};

}  // namespace cloister::crypto
