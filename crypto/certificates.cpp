#include "crypto/certificates.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <format>

#include "crypto/signing_provider.hpp"

namespace cloister::crypto {
namespace {

constexpr std::size_t blocks_max = 64;

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509_CRL* list) const { X509_CRL_free(list); }
  void operator()(X509_REQ* request) const { X509_REQ_free(request); }
  void operator()(unsigned char* bytes) const { OPENSSL_free(bytes); }
  void operator()(char* text) const { OPENSSL_free(text); }
  void operator()(STACK_OF(X509_EXTENSION) * extensions) const {
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  }
};
template <class T>
using Pointer = std::unique_ptr<T, Free>;

/// Each block's bytes, all of them of one kind; an error where there is none, or one of another kind.
Result<std::vector<std::vector<unsigned char>>> blocks_of(std::string_view pem, std::string_view kind) {
  const auto refused = [&](std::string_view found) {
    return fail(std::format("{}: expected PEM with 'BEGIN {}', 1 to {} times, and no other", found, kind, blocks_max));
  };
  if (pem.size() > certificate_text_bytes_max)
    return refused(std::format("is longer than {} bytes", certificate_text_bytes_max));
  const Pointer<BIO> in{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  require(in != nullptr, "OpenSSL gives no memory BIO");
  std::vector<std::vector<unsigned char>> blocks;
  for (;;) {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long length = 0;
    ERR_clear_error();
    if (PEM_read_bio(in.get(), &name, &header, &data, &length) != 1) break;
    const Pointer<char> owned_name{name};
    const Pointer<char> owned_header{header};
    const Pointer<unsigned char> owned_data{data};
    if (name != kind || blocks.size() == blocks_max) return refused("holds something else or too much");
    blocks.emplace_back(data, data + length);
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end) return refused("is damaged");
  if (blocks.empty()) return refused("holds none");
  return blocks;
}

/// The object that the bytes are, the whole of them; null when they are none.
template <class T>
T* whole(T* (*read)(T**, const unsigned char**, long), const std::vector<unsigned char>& bytes, void (*drop)(T*)) {
  const unsigned char* position = bytes.data();
  T* object = read(nullptr, &position, static_cast<long>(bytes.size()));
  ERR_clear_error();
  if (object == nullptr || position == bytes.data() + bytes.size()) return object;
  drop(object);
  return nullptr;
}

Result<std::vector<CertificatePointer>> certificates_of(std::string_view pem) {
  const auto blocks = blocks_of(pem, "CERTIFICATE");
  if (!blocks) return std::unexpected{blocks.error()};
  std::vector<CertificatePointer> certificates;
  for (const auto& block : *blocks) {
    certificates.emplace_back(whole(d2i_X509, block, X509_free));
    if (!certificates.back()) return fail("holds a certificate that cannot be read");
  }
  return certificates;
}

}  // namespace

void FreeCertificate::operator()(X509* certificate) const { X509_free(certificate); }
void FreeCertificate::operator()(X509_STORE* store) const { X509_STORE_free(store); }

Result<CertificateChain> CertificateChain::parse(std::string_view pem) {
  auto certificates = certificates_of(pem);
  if (!certificates) return std::unexpected{certificates.error()};
  CertificateChain chain;
  chain.certificates_ = std::move(*certificates);
  return chain;
}

Result<> CertificateChain::check(const Identity& identity, const std::string& box) const {
  X509* own = certificates_.front().get();
  const EVP_PKEY* key = X509_get0_pubkey(own);
  if (key == nullptr || fingerprint_of(key) != identity.fingerprint())
    return fail(
        "its first certificate is not for this box's key: ask the certificate authority for one, with the request of "
        "'cloisterctl enroll --csr'");
  constexpr unsigned flags = X509_CHECK_FLAG_NO_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
  if (X509_check_host(own, box.data(), box.size(), flags, nullptr) != 1)
    return fail(std::format("its first certificate does not name this box: expected the DNS name '{}'", box));
  return {};
}

Result<Authority> Authority::parse(std::string_view certificates, std::string_view revocations) {
  const auto trusted = certificates_of(certificates);
  if (!trusted) return fail(std::format("the certificates' file {}", trusted.error().message));
  const auto lists = blocks_of(revocations, "X509 CRL");
  if (!lists) return fail(std::format("the revocation lists' file {}", lists.error().message));

  Authority authority;
  authority.store_.reset(X509_STORE_new());
  require(authority.store_ != nullptr, "OpenSSL gives no certificate store");
  for (const auto& certificate : *trusted) {
    if (X509_check_ca(certificate.get()) != 1)
      return fail("the certificates' file holds one that is no certificate authority's (RFC 5280, 4.2.1.9)");
    X509_STORE_add_cert(authority.store(), certificate.get());
  }
  for (const auto& block : *lists) {
    const Pointer<X509_CRL> list{whole(d2i_X509_CRL, block, X509_CRL_free)};
    if (!list) return fail("the revocation lists' file holds one that cannot be read");
    X509_STORE_add_crl(authority.store(), list.get());
  }
  X509_STORE_set_flags(authority.store(), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  return authority;
}

Result<std::string> certificate_request(const Identity& identity, const std::string& box) {
  const Pointer<X509_REQ> request{X509_REQ_new()};
  const Pointer<STACK_OF(X509_EXTENSION)> extensions{sk_X509_EXTENSION_new_null()};
  const Pointer<BIO> out{BIO_new(BIO_s_mem())};
  require(request != nullptr && extensions != nullptr && out != nullptr, "OpenSSL is out of memory");
  const KeyPointer key = identity.key();
  X509_EXTENSION* name = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, ("DNS:" + box).c_str());
  const auto* common_name = reinterpret_cast<const unsigned char*>(box.data());
  const bool made = name != nullptr && sk_X509_EXTENSION_push(extensions.get(), name) > 0 &&
                    X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(request.get()), NID_commonName, MBSTRING_ASC,
                                               common_name, static_cast<int>(box.size()), -1, 0) == 1 &&
                    X509_REQ_add_extensions(request.get(), extensions.get()) == 1 &&
                    X509_REQ_set_pubkey(request.get(), key.get()) == 1;
  require(made, "OpenSSL makes no certificate request");
  ERR_clear_error();
  if (X509_REQ_sign(request.get(), key.get(), nullptr) <= 0) {
    const auto why = last_signer_failure();
    return fail(std::format("the certificate request cannot be signed: {}", why.value_or("OpenSSL does not sign")));
  }
  require(PEM_write_bio_X509_REQ(out.get(), request.get()) == 1, "OpenSSL writes no certificate request");
  char* text = nullptr;
  const long length = BIO_get_mem_data(out.get(), &text);
  return std::string{text, static_cast<std::size_t>(length)};
}

}  // namespace cloister::crypto
