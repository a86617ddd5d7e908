#include "crypto/identity.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>

namespace cloister::crypto {
namespace {

constexpr std::byte mark_ml_dsa_65{1};

struct FreeKeyContext {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};

}  // namespace

Result<Identity> Identity::generate(Random& random) {
  SealedForm form;
  form.fill()[0] = mark_ml_dsa_65;
  random.fill(form.fill().subspan<1>());
  return from(std::move(form));
}

Result<Identity> Identity::from_sealed(std::span<const std::byte> bytes) {
  if (bytes.size() != SealedForm::size || bytes[0] != mark_ml_dsa_65)
    return fail("what is sealed is no identity of a box: make one with 'cloisterctl enroll'");
  SealedForm form;
  std::ranges::copy(bytes, form.fill().begin());
  return from(std::move(form));
}

Result<Identity> Identity::from(SealedForm sealed_form) {
  Identity identity{std::move(sealed_form)};
  const auto key = identity.key();
  if (!key) return fail("OpenSSL makes no ML-DSA-65 key: is its version 3.5 or newer");
  identity.fingerprint_ = fingerprint_of(key.get());
  return identity;
}

KeyPointer Identity::key() const {
  // OpenSSL copies the seed; its parameters are not declared const.
  auto* seed = const_cast<std::byte*>(sealed_form_.expose().data() + 1);
  std::array parameters{OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_ML_DSA_SEED, seed, SealedForm::size - 1),
                        OSSL_PARAM_construct_end()};
  const std::unique_ptr<EVP_PKEY_CTX, FreeKeyContext> context{
      EVP_PKEY_CTX_new_from_name(nullptr, "ML-DSA-65", nullptr)};
  EVP_PKEY* key = nullptr;
  const bool made = context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1 &&
                    EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, parameters.data()) == 1;
  return KeyPointer{made ? key : nullptr};
}

}  // namespace cloister::crypto
