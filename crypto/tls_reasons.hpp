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
  std::optional<std::string> signer;  // why this box's key, kept by its TPM, has not signed
};
/// Takes all notes of this thread from OpenSSL.
[[nodiscard]] TlsReason last_tls_reason();

/// What a handshake by keys knows about them.
struct KeyComparison {
  Fingerprint own;
  Result<Fingerprint> expected;      // an error: why none is, now
  std::optional<Fingerprint> shown;  // by the peer
};

/// What a handshake by certificates knows about the peer's.
struct CertificateCheck {
  std::string peer_box;
  long result = 0;  // X509_V_OK: nothing to complain of, or not looked at yet
};

struct TlsExpectations {
  std::string names;                            // how boxes and link are named here
  std::optional<KeyComparison> keys;            // by pinned keys
  std::optional<CertificateCheck> certificate;  // by certificates
};

[[nodiscard]] std::string explain(const TlsReason& reason, const TlsExpectations& expected);

}  // namespace cloister::crypto
