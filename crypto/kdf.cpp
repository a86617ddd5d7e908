#include "crypto/kdf.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sodium.h>

#include <memory>

#include "crypto/error.hpp"

namespace cloister::crypto {
namespace {

/// OpenSSL's parameter lists take mutable pointers, and read only. Nothing is also a value (an empty salt), but must
/// have a place.
OSSL_PARAM octets(const char* name, std::span<const std::byte> value) {
  static std::byte nothing{};
  if (value.empty()) return OSSL_PARAM_construct_octet_string(name, &nothing, 0);
  return OSSL_PARAM_construct_octet_string(name, const_cast<std::byte*>(value.data()), value.size());
}

void hkdf(const char* digest, std::span<const std::byte> input, std::span<const std::byte> salt,
          std::span<const std::byte> info, std::span<std::byte> out) {
  static EVP_KDF* const algorithm = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context{EVP_KDF_CTX_new(algorithm), EVP_KDF_CTX_free};
  const std::array parameters{OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(digest), 0),
                              octets(OSSL_KDF_PARAM_KEY, input), octets(OSSL_KDF_PARAM_SALT, salt),
                              octets(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  const int done =
      EVP_KDF_derive(context.get(), reinterpret_cast<unsigned char*>(out.data()), out.size(), parameters.data());
  require(done == 1, "HKDF failed");
}

/// Without a key. To look the digest up by its name takes longer than a short message.
EVP_MAC_CTX* prepared_hmac_sha256() {
  EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  EVP_MAC_CTX* const context = EVP_MAC_CTX_new(algorithm);
  char digest[] = "SHA256";
  const std::array parameters{OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                              OSSL_PARAM_construct_end()};
  require(context != nullptr && EVP_MAC_CTX_set_params(context, parameters.data()) == 1,
          "OpenSSL gives no HMAC-SHA-256");
  return context;
}

}  // namespace

void hkdf_sha512(std::span<const std::byte> input, std::span<const std::byte> salt, std::span<const std::byte> info,
                 std::span<std::byte> out) {
  hkdf("SHA512", input, salt, info, out);
}

void hkdf_sha256(std::span<const std::byte> input, std::span<const std::byte> salt, std::span<const std::byte> info,
                 std::span<std::byte> out) {
  hkdf("SHA256", input, salt, info, out);
}

Mac256 hmac_sha256(std::span<const std::byte> key, std::span<const std::byte> first,
                   std::span<const std::byte> second) {
  static EVP_MAC_CTX* const prepared = prepared_hmac_sha256();
  const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context{EVP_MAC_CTX_dup(prepared), EVP_MAC_CTX_free};
  const auto bytes = [](std::span<const std::byte> part) {
    return reinterpret_cast<const unsigned char*>(part.data());
  };
  static constexpr unsigned char empty_key = 0;
  Mac256 mac{};
  std::size_t length = 0;
  const bool done =
      EVP_MAC_init(context.get(), key.empty() ? &empty_key : bytes(key), key.size(), nullptr) == 1 &&
      EVP_MAC_update(context.get(), bytes(first), first.size()) == 1 &&
      EVP_MAC_update(context.get(), bytes(second), second.size()) == 1 &&
      EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(mac.data()), &length, mac.size()) == 1;
  require(done && length == mac.size(), "HMAC-SHA-256 failed");
  return mac;
}

bool equal_constant_time(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && ::sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace cloister::crypto
