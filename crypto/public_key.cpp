#include "crypto/public_key.hpp"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <format>
#include <span>

#include "crypto/digest.hpp"

namespace cloister::crypto {
namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioPointer = std::unique_ptr<BIO, FreeBio>;

/// Without carriage returns, and without white space at the end.
std::string with_plain_line_ends(std::string_view text) {
  std::string plain;
  for (const char character : text) {
    if (character != '\r') plain += character;
  }
  while (plain.ends_with('\n') || plain.ends_with(' ')) plain.pop_back();
  return plain + '\n';
}

/// An EC key by its curve's name and its point uncompressed: one key has one fingerprint.
bool of_a_known_kind(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "ML-DSA-65") == 1) return true;
  std::array<char, 32> group{};
  std::array<char, 32> encoding{};
  std::array<char, 32> form{};
  if (EVP_PKEY_is_a(key, "EC") != 1 || EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) != 1 ||
      EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, encoding.data(), encoding.size(), nullptr) !=
          1 ||
      EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, form.data(), form.size(),
                                     nullptr) != 1)
    return false;
  const std::string_view name{group.data()};
  return (name == "prime256v1" || name == "secp384r1") &&
         std::string_view{encoding.data()} == OSSL_PKEY_EC_ENCODING_GROUP &&
         std::string_view{form.data()} == OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED;
}

}  // namespace

const char* to_string(KeyKind kind) {
  switch (kind) {
    case KeyKind::ml_dsa_65:
      return "ML-DSA-65";
    case KeyKind::ecdsa_p256:
      return "ECDSA P-256";
    case KeyKind::ecdsa_p384:
      return "ECDSA P-384";
  }
  return "no key";
}

void FreeKey::operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }

Fingerprint fingerprint_of(const EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int length = i2d_PUBKEY(key, &der);
  require(length > 0, "OpenSSL does not write a public key");
  Fingerprint fingerprint{sha256_hex(std::as_bytes(std::span{der, static_cast<std::size_t>(length)}))};
  OPENSSL_free(der);
  return fingerprint;
}

KeyPointer key_by_point(KeyKind kind, std::span<const std::byte> point) {
  if (kind == KeyKind::ml_dsa_65) return {};
  std::array parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                       const_cast<char*>(kind == KeyKind::ecdsa_p256 ? "P-256" : "P-384"), 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, const_cast<std::byte*>(point.data()), point.size()),
      OSSL_PARAM_construct_end()};
  EVP_PKEY* key = nullptr;
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context{
      EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr), EVP_PKEY_CTX_free};
  const bool made = context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1 &&
                    EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.data()) == 1;
  ERR_clear_error();
  return KeyPointer{made ? key : nullptr};
}

bool verifies(EVP_PKEY* key, const char* digest, std::span<const std::byte> signature,
              std::span<const std::byte> message) {
  const auto octets = [](std::span<const std::byte> bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
  };
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
  require(context != nullptr, "OpenSSL is out of memory");
  const bool holds =
      EVP_DigestVerifyInit_ex(context.get(), nullptr, digest, nullptr, nullptr, key, nullptr) == 1 &&
      EVP_DigestVerify(context.get(), octets(signature), signature.size(), octets(message), message.size()) == 1;
  ERR_clear_error();
  return holds;
}

std::string to_pem(const EVP_PKEY* key) {
  const BioPointer out{BIO_new(BIO_s_mem())};
  require(out != nullptr && PEM_write_bio_PUBKEY(out.get(), key) == 1, "OpenSSL does not write a public key");
  char* text = nullptr;
  const long length = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

Result<KeyPointer> parse_public_key(std::string_view pem) {
  const auto refused = [] {
    return fail(
        "is no public key of a box: expected the file that 'cloisterctl enroll' wrote there, with 'BEGIN PUBLIC KEY', "
        "an ML-DSA-65 or ECDSA key (P-256, P-384), and nothing else");
  };
  if (pem.empty() || pem.size() > public_key_text_bytes_max) return refused();
  const BioPointer in{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  require(in != nullptr, "OpenSSL gives no memory BIO");
  // No passphrase is asked for: what is encrypted is no public key.
  KeyPointer key{PEM_read_bio_PUBKEY(in.get(), nullptr, [](char*, int, int, void*) { return -1; }, nullptr)};
  ERR_clear_error();
  if (!key || !of_a_known_kind(key.get())) return refused();
  if (to_pem(key.get()) != with_plain_line_ends(pem)) return refused();
  return key;
}

}  // namespace cloister::crypto
