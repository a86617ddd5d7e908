#include "crypto/signing_provider.hpp"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>

namespace cloister::crypto {
namespace {

constexpr const char* provider_name = "cloister-elsewhere";
constexpr const char* only_here = "provider=cloister-elsewhere";
constexpr const char* key_parameter = "cloister-key";
constexpr int signing_failed = 1;

struct Curve {
  KeyKind kind;
  const char* group;  // as OpenSSL's own keys name it
  const char* digest;
  int bits;
  int security_bits;  // NIST SP 800-57 part 1, table 2
  int signature_bytes_max;
  std::array<unsigned char, 12> algorithm;  // AlgorithmIdentifier of ecdsa-with-SHA256 or -SHA384 (RFC 5758, 3.2)
};
constexpr std::array curves{Curve{KeyKind::ecdsa_p256,
                                  "prime256v1",
                                  "SHA256",
                                  256,
                                  128,
                                  72,
                                  {0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02}},
                            Curve{KeyKind::ecdsa_p384,
                                  "secp384r1",
                                  "SHA384",
                                  384,
                                  192,
                                  104,
                                  {0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x03}}};

/// What OpenSSL's key object holds.
struct Key {
  const Curve* curve = nullptr;
  std::vector<std::byte> point;
  Signer signer;
};

struct Signing {
  const Key* key = nullptr;
};

Key& key_of(void* data) { return *static_cast<Key*>(data); }
const Key& key_of(const void* data) { return *static_cast<const Key*>(data); }

// Key management (provider-keymgmt(7)).

void* new_key(void*) { return new Key; }
void free_key(void* data) { delete static_cast<Key*>(data); }
int has(const void* data, int) { return key_of(data).curve != nullptr ? 1 : 0; }

int import_key(void* data, int, const OSSL_PARAM parameters[]) {
  const OSSL_PARAM* handed = OSSL_PARAM_locate_const(parameters, key_parameter);
  const void* source = nullptr;
  std::size_t size = 0;
  if (handed == nullptr || OSSL_PARAM_get_octet_ptr(handed, &source, &size) != 1 || size != sizeof(Key)) return 0;
  key_of(data) = key_of(source);
  return 1;
}
const OSSL_PARAM* import_types(int) {
  static const auto types =
      std::to_array<OSSL_PARAM>({OSSL_PARAM_octet_ptr(key_parameter, nullptr, 0), OSSL_PARAM_construct_end()});
  return types.data();
}

/// OpenSSL's own functions for EC keys get the public half, and no more: a signature is never theirs to make.
int export_key(void* data, int selection, OSSL_CALLBACK* take, void* argument) {
  Key& key = key_of(data);
  if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 || key.curve == nullptr) return 0;
  std::array parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>(key.curve->group), 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, key.point.data(), key.point.size()),
      OSSL_PARAM_construct_end()};
  return take(parameters.data(), argument);
}
const OSSL_PARAM* export_types(int selection) {
  static const auto types = std::to_array<OSSL_PARAM>({OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0),
                                                       OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0),
                                                       OSSL_PARAM_construct_end()});
  return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ? nullptr : types.data();
}

int get_key_parameters(void* data, OSSL_PARAM parameters[]) {
  const Key& key = key_of(data);
  if (key.curve == nullptr) return 0;
  const auto number = [&](const char* name, int value) {
    OSSL_PARAM* asked = OSSL_PARAM_locate(parameters, name);
    return asked == nullptr || OSSL_PARAM_set_int(asked, value) == 1;
  };
  const auto text = [&](const char* name, const char* value) {
    OSSL_PARAM* asked = OSSL_PARAM_locate(parameters, name);
    return asked == nullptr || OSSL_PARAM_set_utf8_string(asked, value) == 1;
  };
  const auto point = [&](const char* name) {
    OSSL_PARAM* asked = OSSL_PARAM_locate(parameters, name);
    return asked == nullptr || OSSL_PARAM_set_octet_string(asked, key.point.data(), key.point.size()) == 1;
  };
  const bool set = number(OSSL_PKEY_PARAM_BITS, key.curve->bits) &&
                   number(OSSL_PKEY_PARAM_SECURITY_BITS, key.curve->security_bits) &&
                   number(OSSL_PKEY_PARAM_MAX_SIZE, key.curve->signature_bytes_max) &&
                   text(OSSL_PKEY_PARAM_GROUP_NAME, key.curve->group) &&
                   text(OSSL_PKEY_PARAM_DEFAULT_DIGEST, key.curve->digest) && point(OSSL_PKEY_PARAM_PUB_KEY) &&
                   point(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY);
  return set ? 1 : 0;
}
const OSSL_PARAM* gettable_key_parameters(void*) {
  static const auto types = std::to_array<OSSL_PARAM>(
      {OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, nullptr), OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, nullptr),
       OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, nullptr),
       OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0),
       OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, nullptr, 0),
       OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0),
       OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, nullptr, 0), OSSL_PARAM_construct_end()});
  return types.data();
}
const char* operation_name(int operation) { return operation == OSSL_OP_SIGNATURE ? "ECDSA" : nullptr; }

// Signatures (provider-signature(7)): over a message, in one go, which is all that TLS 1.3 and X.509 ask for.

void* new_signing(void*, const char*) { return new Signing; }
void free_signing(void* context) { delete static_cast<Signing*>(context); }

int begin_signing(void* context, const char* digest, void* data, const OSSL_PARAM*) {
  const Key* key = static_cast<const Key*>(data);
  if (key == nullptr || key->curve == nullptr) return 0;
  if (digest != nullptr && *digest != '\0') {
    const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> asked{EVP_MD_fetch(nullptr, digest, nullptr), EVP_MD_free};
    if (asked == nullptr || EVP_MD_is_a(asked.get(), key->curve->digest) != 1) return 0;
  }
  static_cast<Signing*>(context)->key = key;
  return 1;
}

int sign(void* context, unsigned char* signature, std::size_t* length, std::size_t room, const unsigned char* message,
         std::size_t message_length) {
  const Key* key = static_cast<Signing*>(context)->key;
  if (key == nullptr) return 0;
  if (signature == nullptr) {
    *length = static_cast<std::size_t>(key->curve->signature_bytes_max);
    return 1;
  }
  std::array<std::byte, EVP_MAX_MD_SIZE> digest{};
  std::size_t digest_length = 0;
  if (EVP_Q_digest(nullptr, key->curve->digest, nullptr, message, message_length,
                   reinterpret_cast<unsigned char*>(digest.data()), &digest_length) != 1)
    return 0;
  const auto made = key->signer(std::span{digest}.first(digest_length));
  if (!made) {
    ERR_raise_data(ERR_LIB_USER, signing_failed, "%s", made.error().message.c_str());
    return 0;
  }
  if (made->size() > room) return 0;
  std::ranges::copy(std::as_bytes(std::span{*made}), reinterpret_cast<std::byte*>(signature));
  *length = made->size();
  return 1;
}

int get_signing_parameters(void* context, OSSL_PARAM parameters[]) {
  const Key* key = static_cast<Signing*>(context)->key;
  OSSL_PARAM* asked = OSSL_PARAM_locate(parameters, OSSL_SIGNATURE_PARAM_ALGORITHM_ID);
  if (asked == nullptr) return 1;
  if (key == nullptr) return 0;
  return OSSL_PARAM_set_octet_string(asked, key->curve->algorithm.data(), key->curve->algorithm.size());
}
const OSSL_PARAM* gettable_signing_parameters(void*, void*) {
  static const auto types = std::to_array<OSSL_PARAM>(
      {OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, nullptr, 0), OSSL_PARAM_construct_end()});
  return types.data();
}

// The tables by which OpenSSL finds all that (provider(7)).

template <class Function>
OSSL_DISPATCH entry(int number, Function* function) {
  return {number, reinterpret_cast<void (*)()>(function)};
}

const OSSL_ALGORITHM* algorithms(void*, int operation, int* no_cache) {
  static const std::array management{entry(OSSL_FUNC_KEYMGMT_NEW, new_key),
                                     entry(OSSL_FUNC_KEYMGMT_FREE, free_key),
                                     entry(OSSL_FUNC_KEYMGMT_HAS, has),
                                     entry(OSSL_FUNC_KEYMGMT_IMPORT, import_key),
                                     entry(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, import_types),
                                     entry(OSSL_FUNC_KEYMGMT_EXPORT, export_key),
                                     entry(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, export_types),
                                     entry(OSSL_FUNC_KEYMGMT_GET_PARAMS, get_key_parameters),
                                     entry(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, gettable_key_parameters),
                                     entry(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, operation_name),
                                     OSSL_DISPATCH{0, nullptr}};
  static const std::array signing{entry(OSSL_FUNC_SIGNATURE_NEWCTX, new_signing),
                                  entry(OSSL_FUNC_SIGNATURE_FREECTX, free_signing),
                                  entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, begin_signing),
                                  entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, sign),
                                  entry(OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, get_signing_parameters),
                                  entry(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, gettable_signing_parameters),
                                  OSSL_DISPATCH{0, nullptr}};
  static const std::array key_managements{
      OSSL_ALGORITHM{"EC:id-ecPublicKey:1.2.840.10045.2.1", only_here, management.data(), "keys that are elsewhere"},
      OSSL_ALGORITHM{nullptr, nullptr, nullptr, nullptr}};
  static const std::array signatures{
      OSSL_ALGORITHM{"ECDSA", only_here, signing.data(), "signatures that are made elsewhere"},
      OSSL_ALGORITHM{nullptr, nullptr, nullptr, nullptr}};
  *no_cache = 0;
  if (operation == OSSL_OP_KEYMGMT) return key_managements.data();
  return operation == OSSL_OP_SIGNATURE ? signatures.data() : nullptr;
}

int begin_provider(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH*, const OSSL_DISPATCH** out, void** context) {
  static const std::array functions{entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, algorithms), OSSL_DISPATCH{0, nullptr}};
  *out = functions.data();
  *context = const_cast<OSSL_CORE_HANDLE*>(handle);
  return 1;
}

/// With OpenSSL's own provider besides, which writes public keys.
OSSL_LIB_CTX* library() {
  static OSSL_LIB_CTX* const made = [] {
    OSSL_LIB_CTX* context = OSSL_LIB_CTX_new();
    const bool loaded = context != nullptr && OSSL_PROVIDER_add_builtin(context, provider_name, begin_provider) == 1 &&
                        OSSL_PROVIDER_load(context, "default") != nullptr &&
                        OSSL_PROVIDER_load(context, provider_name) != nullptr;
    require(loaded, "OpenSSL takes no provider: is its version 3.5 or newer");
    return context;
  }();
  return made;
}

}  // namespace

KeyPointer key_elsewhere(KeyKind kind, std::span<const std::byte> point, Signer signer) {
  const auto* curve = std::ranges::find(curves, kind, &Curve::kind);
  if (curve == curves.end() || !key_by_point(kind, point)) return {};
  Key source{curve, {point.begin(), point.end()}, std::move(signer)};
  void* handed = &source;
  std::array parameters{OSSL_PARAM_construct_octet_ptr(key_parameter, &handed, sizeof source),
                        OSSL_PARAM_construct_end()};
  EVP_PKEY* key = nullptr;
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context{
      EVP_PKEY_CTX_new_from_name(library(), "EC", only_here), EVP_PKEY_CTX_free};
  const bool made = context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1 &&
                    EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, parameters.data()) == 1;
  return KeyPointer{made ? key : nullptr};
}

std::optional<std::string> signer_failure(unsigned long code, const char* data) {
  const bool ours = ERR_GET_LIB(code) == ERR_LIB_USER && ERR_GET_REASON(code) == signing_failed && data != nullptr;
  return ours ? std::optional<std::string>{data} : std::nullopt;
}

std::optional<std::string> last_signer_failure() {
  std::optional<std::string> last;
  const char* data = nullptr;
  while (const unsigned long code = ERR_get_error_all(nullptr, nullptr, nullptr, &data, nullptr)) {
    if (auto said = signer_failure(code, data)) last = std::move(said);
  }
  return last;
}

}  // namespace cloister::crypto
