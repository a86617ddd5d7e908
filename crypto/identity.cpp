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
  Identity identity{Kept{std::move(sealed_form)}};
  const auto key = identity.key();
  if (!key) return fail("OpenSSL makes no ML-DSA-65 key: is its version 3.5 or newer");
  identity.fingerprint_ = fingerprint_of(key.get());
  return identity;
}

Result<Identity> Identity::kept_elsewhere(KeyKind kind, std::vector<std::byte> point, Signer signer) {
  Identity identity{Kept{Elsewhere{kind, std::move(point), std::move(signer)}}};
  const auto key = identity.key();
  if (!key) return fail("its public half is no point of the curve: make the key with 'cloisterctl enroll'");
  identity.fingerprint_ = fingerprint_of(key.get());
  return identity;
}

KeyKind Identity::kind() const {
  const auto* elsewhere = std::get_if<Elsewhere>(&kept_);
  return elsewhere != nullptr ? elsewhere->kind : KeyKind::ml_dsa_65;
}

std::span<const std::byte> Identity::expose() const {
  const auto* sealed_form = std::get_if<SealedForm>(&kept_);
  require(sealed_form != nullptr, "a key that is kept elsewhere is to be sealed");
  return sealed_form->expose();
}

KeyPointer Identity::key() const {
  if (const auto* elsewhere = std::get_if<Elsewhere>(&kept_))
    return key_elsewhere(elsewhere->kind, elsewhere->point, elsewhere->signer);
  return key_from(std::get<SealedForm>(kept_));
}

KeyPointer Identity::key_from(const SealedForm& sealed_form) {
  // OpenSSL copies the seed; its parameters are not declared const.
  auto* seed = const_cast<std::byte*>(sealed_form.expose().data() + 1);
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
