#pragma once
/// Why a TLS handshake ended early, in words for the operator.

#include <optional>
#include <string>

#include "crypto/public_key.hpp"

namespace cloister::crypto {

/// The last error that OpenSSL noted, which is what ended the handshake.
struct TlsReason {
  int number = 0;
  std::string text = "no reason given";
};
/// Takes all notes of this thread from OpenSSL.
[[nodiscard]] TlsReason last_tls_reason();

/// What a handshake by keys knows about them.
struct KeyComparison {
  Fingerprint own;
  Fingerprint expected;
  std::optional<Fingerprint> shown;  // by the peer
};

/// `names` is how boxes and link are named here; `keys` is for a handshake by keys.
[[nodiscard]] std::string explain(const TlsReason& reason, const std::string& names,
                                  const std::optional<KeyComparison>& keys);

}  // namespace cloister::crypto
