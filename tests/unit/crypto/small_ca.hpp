#pragma once
/// A certificate authority for a test: ECDSA P-384, and whatever dates, names and revocations the test wants.

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstddef>
#include <ctime>
#include <span>
#include <string>
#include <vector>

#include "crypto/certificates.hpp"
#include "crypto/error.hpp"

namespace cloister::crypto::test {

inline constexpr long day = 86'400;

template <class Write, class Object>
std::string pem_of(Write write, Object* object) {
  BIO* out = BIO_new(BIO_s_mem());
  require(write(out, object) == 1, "OpenSSL writes no PEM");
  char* text = nullptr;
  const long length = BIO_get_mem_data(out, &text);
  std::string pem(text, static_cast<std::size_t>(length));
  BIO_free(out);
  return pem;
}

struct Validity {
  long from = -day;  // seconds from the CA's now
  long to = day;
};

class SmallCa {
 public:
  explicit SmallCa(std::time_t now = std::time(nullptr), Validity validity = {})
      : now_{now},
        key_{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-384")},
        root_{make(key_.get(), "test root", validity, 1, true)} {}

  /// PKCS #8, as DER.
  [[nodiscard]] std::vector<std::byte> secret() const {
    unsigned char* der = nullptr;
    const int length = i2d_PrivateKey(key_.get(), &der);
    require(length > 0, "OpenSSL encodes no private key");
    const auto bytes = std::as_bytes(std::span{der, static_cast<std::size_t>(length)});
    std::vector<std::byte> secret{bytes.begin(), bytes.end()};
    OPENSSL_free(der);
    return secret;
  }
  [[nodiscard]] std::string root() const { return pem_of(PEM_write_bio_X509, root_.get()); }
  [[nodiscard]] std::string issue(const Identity& identity, const std::string& box, long serial,
                                  Validity validity = {}) const {
    return pem_of(PEM_write_bio_X509, make(identity.key().get(), box, validity, serial, false).get());
  }
  [[nodiscard]] std::string issue_without_name(const Identity& identity, const std::string& subject,
                                               long serial) const {
    return pem_of(PEM_write_bio_X509, make(identity.key().get(), subject, {}, serial, false, false).get());
  }
  [[nodiscard]] std::string revocations(const std::vector<long>& serials = {}, Validity validity = {}) const {
    X509_CRL* list = X509_CRL_new();
    X509_CRL_set_version(list, 1);
    X509_CRL_set_issuer_name(list, X509_get_subject_name(root_.get()));
    ASN1_TIME* time = ASN1_TIME_new();
    set(time, validity.from);
    X509_CRL_set1_lastUpdate(list, time);
    for (const long serial : serials) {
      X509_REVOKED* entry = X509_REVOKED_new();
      ASN1_INTEGER* number = ASN1_INTEGER_new();
      ASN1_INTEGER_set(number, serial);
      X509_REVOKED_set_serialNumber(entry, number);
      X509_REVOKED_set_revocationDate(entry, time);
      X509_CRL_add0_revoked(list, entry);
      ASN1_INTEGER_free(number);
    }
    set(time, validity.to);
    X509_CRL_set1_nextUpdate(list, time);
    ASN1_TIME_free(time);
    require(X509_CRL_sign(list, key_.get(), EVP_sha384()) > 0, "OpenSSL signs no revocation list");
    const auto pem = pem_of(PEM_write_bio_X509_CRL, list);
    X509_CRL_free(list);
    return pem;
  }

 private:
  [[nodiscard]] CertificatePointer make(EVP_PKEY* key, const std::string& name, Validity validity, long serial,
                                        bool root, bool named = true) const {
    CertificatePointer certificate{X509_new()};
    X509* made = certificate.get();
    X509_set_version(made, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made), serial);
    set(X509_getm_notBefore(made), validity.from);
    set(X509_getm_notAfter(made), validity.to);
    const auto* text = reinterpret_cast<const unsigned char*>(name.data());
    X509_NAME_add_entry_by_NID(X509_get_subject_name(made), NID_commonName, MBSTRING_ASC, text,
                               static_cast<int>(name.size()), -1, 0);
    X509_set_issuer_name(made, X509_get_subject_name(root ? made : root_.get()));
    X509_set_pubkey(made, key);
    add(made, NID_basic_constraints, root ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (!root && named) add(made, NID_subject_alt_name, ("DNS:" + name).c_str());
    require(X509_sign(made, key_.get(), EVP_sha384()) > 0, "OpenSSL signs no certificate");
    return certificate;
  }
  static void add(X509* certificate, int kind, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
    require(extension != nullptr, "OpenSSL makes no extension of a certificate");
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }

  void set(ASN1_TIME* time, long seconds) const {
    std::time_t now = now_;
    require(X509_time_adj(time, seconds, &now) != nullptr, "OpenSSL knows no such date");
  }

  std::time_t now_;
  KeyPointer key_;
  CertificatePointer root_;
};

}  // namespace cloister::crypto::test
