#pragma once
/// What a box shows its peer at a bootstrap, and what it expects of it.

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "crypto/certificates.hpp"
#include "crypto/identity.hpp"
#include "crypto/secret.hpp"
#include "crypto/voucher.hpp"

namespace cloister::crypto {

using Psk = Secret<struct PskRole, 32>;

/// This box's key, and the peer's as an operator has compared it or others vouch for it.
struct PinnedKeys {
  std::shared_ptr<const Identity> own;  // one for all links of a box
  Result<TrustedKey> peer;              // an error: why no key is trusted now
};

/// This box's key with its certificate, and whom it takes for the peer: who has the name from the authority.
struct CertifiedKeys {
  std::shared_ptr<const Identity> own;
  std::shared_ptr<const CertificateChain> certificate;
  std::shared_ptr<const Authority> authority;
  std::string peer_box;
};

/// A PSK, keys of one of the two kinds, or both; where there are both, both must hold.
struct Credentials {
  std::optional<Psk> psk;
  std::optional<PinnedKeys> pinned;
  std::optional<CertifiedKeys> certified;

  [[nodiscard]] static Credentials by_psk(Psk psk) {
    return {.psk = std::move(psk), .pinned = std::nullopt, .certified = std::nullopt};
  }
  [[nodiscard]] bool by_keys() const { return pinned || certified; }
  /// Whether this box's signatures take the time of a TPM.
  [[nodiscard]] bool signs_elsewhere() const;
};

/// "PSK", "pinned keys (own key ML-DSA-65)", "certificates (own key ECDSA P-256) and PSK", "pinned keys (own key ML-DSA-65;
/// the peer's vouched for by 'rome' until 2027-11-26)" and so on, for people.
[[nodiscard]] std::string to_string(const Credentials& credentials);

}  // namespace cloister::crypto
