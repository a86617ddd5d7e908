#include "crypto/kem.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <memory>

namespace cloister::crypto {
namespace {

constexpr const char* algorithm = "ML-KEM-768";

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeContext {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using KeyPointer = std::unique_ptr<EVP_PKEY, FreeKey>;
using ContextPointer = std::unique_ptr<EVP_PKEY_CTX, FreeContext>;

unsigned char* raw(std::span<std::byte> bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }
const unsigned char* raw(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

EVP_PKEY* key_of(void* key) { return static_cast<EVP_PKEY*>(key); }

}  // namespace

Result<KemKeyPair> KemKeyPair::generate() {
  EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, algorithm);
  if (key == nullptr) return fail("ML-KEM-768 key generation failed in OpenSSL: is its version 3.5 or newer");
  return KemKeyPair{key};
}

Result<KemKeyPair> KemKeyPair::from_seed(std::span<const std::byte> seed) {
  const ContextPointer context{EVP_PKEY_CTX_new_from_name(nullptr, algorithm, nullptr)};
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_ML_KEM_SEED, const_cast<std::byte*>(seed.data()), seed.size()),
      OSSL_PARAM_construct_end()};
  EVP_PKEY* key = nullptr;
  const bool done = context && EVP_PKEY_keygen_init(context.get()) == 1 &&
                    EVP_PKEY_CTX_set_params(context.get(), parameters) == 1 &&
                    EVP_PKEY_generate(context.get(), &key) == 1;
  if (!done) return fail("ML-KEM-768 makes no key from a seed of this length: expected 64 bytes");
  return KemKeyPair{key};
}

KemKeyPair::KemKeyPair(KemKeyPair&& other) noexcept : key_{std::exchange(other.key_, nullptr)} {}

KemKeyPair& KemKeyPair::operator=(KemKeyPair&& other) noexcept {
  std::swap(key_, other.key_);
  return *this;
}

KemKeyPair::~KemKeyPair() { EVP_PKEY_free(key_of(key_)); }

std::vector<std::byte> KemKeyPair::public_key() const {
  std::vector<std::byte> bytes(kem_public_bytes);
  std::size_t length = bytes.size();
  const bool done = EVP_PKEY_get_raw_public_key(key_of(key_), raw(std::span{bytes}), &length) == 1;
  require(done && length == kem_public_bytes, "an ML-KEM-768 key has no public half");
  return bytes;
}

Result<KemSecret> KemKeyPair::decapsulate(std::span<const std::byte> ciphertext) && {
  const KeyPointer key{key_of(std::exchange(key_, nullptr))};
  if (ciphertext.size() != kem_ciphertext_bytes)
    return fail("an ML-KEM-768 ciphertext has another length than 1088 bytes");
  const ContextPointer context{EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr)};
  KemSecret secret;
  std::size_t length = KemSecret::size;
  const bool done = context && EVP_PKEY_decapsulate_init(context.get(), nullptr) == 1 &&
                    EVP_PKEY_decapsulate(context.get(), raw(std::span<std::byte>{secret.fill()}), &length,
                                         raw(ciphertext), ciphertext.size()) == 1;
  if (!done || length != KemSecret::size) return fail("ML-KEM-768 decapsulation failed");
  return secret;
}

Result<KemEncapsulation> kem_encapsulate(std::span<const std::byte> public_key) {
  if (public_key.size() != kem_public_bytes) return fail("an ML-KEM-768 public key has another length than 1184 bytes");
  const KeyPointer key{EVP_PKEY_new_raw_public_key_ex(nullptr, algorithm, nullptr, raw(public_key), public_key.size())};
  if (!key) return fail("the peer's ML-KEM-768 public key is not one (FIPS 203, 7.2)");
  const ContextPointer context{EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr)};
  KemEncapsulation result{std::vector<std::byte>(kem_ciphertext_bytes), {}};
  std::size_t ciphertext_length = result.ciphertext.size();
  std::size_t secret_length = KemSecret::size;
  const bool done = context && EVP_PKEY_encapsulate_init(context.get(), nullptr) == 1 &&
                    EVP_PKEY_encapsulate(context.get(), raw(std::span{result.ciphertext}), &ciphertext_length,
                                         raw(std::span<std::byte>{result.secret.fill()}), &secret_length) == 1;
  if (!done || ciphertext_length != kem_ciphertext_bytes || secret_length != KemSecret::size)
    return fail("ML-KEM-768 encapsulation failed");
  return result;
}

}  // namespace cloister::crypto
