#pragma once
/// X.509 (RFC 5280) for bootstraps by an operator's certificate authority: this box's certificate, whom the authority
/// vouches for, and whom no more. A box's name stands in its certificate as a DNS name; no other field and no wildcard
/// counts.

#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/error.hpp"
#include "crypto/identity.hpp"

namespace cloister::crypto {

inline constexpr std::size_t certificate_text_bytes_max = std::size_t{1} << 20U;

struct FreeCertificate {
  void operator()(X509* certificate) const;
  void operator()(X509_STORE* store) const;
};
using CertificatePointer = std::unique_ptr<X509, FreeCertificate>;

/// A box's certificate, first, and those between it and the authority.
class CertificateChain {
 public:
  /// PEM (RFC 7468); text between the blocks is left out.
  [[nodiscard]] static Result<CertificateChain> parse(std::string_view pem);
  /// Whether it is for this key and this box's name. Its dates are the peer's to judge.
  [[nodiscard]] Result<> check(const Identity& identity, const std::string& box) const;
  [[nodiscard]] const std::vector<CertificatePointer>& certificates() const { return certificates_; }

 private:
  std::vector<CertificatePointer> certificates_;
};

/// The operator's certificate authorities with their revocation lists, without a valid one of which nobody is trusted.
class Authority {
 public:
  [[nodiscard]] static Result<Authority> parse(std::string_view certificates, std::string_view revocations);
  /// For OpenSSL, which counts its references.
  [[nodiscard]] X509_STORE* store() const { return store_.get(); }

 private:
  std::unique_ptr<X509_STORE, FreeCertificate> store_;
};

/// A request (PKCS #10, RFC 2986) for a certificate of the key and the box's name, as PEM; an error where the TPM that
/// keeps the key does not sign it.
[[nodiscard]] Result<std::string> certificate_request(const Identity& identity, const std::string& box);

}  // namespace cloister::crypto
