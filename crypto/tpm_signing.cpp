#include "crypto/tpm_signing.hpp"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <format>

#include "crypto/tpm.hpp"
#include "crypto/tpm_blob.hpp"
#include "crypto/tpm_state.hpp"

namespace cloister::crypto {
namespace {

struct Curve {
  KeyKind kind;
  TPM2_ECC_CURVE id;
  TPM2_ALG_ID digest;
  std::size_t bytes;  // of a coordinate, and of the digest
};
constexpr std::array curves{Curve{KeyKind::ecdsa_p256, TPM2_ECC_NIST_P256, TPM2_ALG_SHA256, 32},
                            Curve{KeyKind::ecdsa_p384, TPM2_ECC_NIST_P384, TPM2_ALG_SHA384, 48}};

/// Made in the TPM and fixed to it; signs digests by one scheme; no password opens it, only the policy does.
TPM2B_PUBLIC signing_template(const Curve& curve, const TPM2B_DIGEST& policy) {
  TPM2B_PUBLIC in{};
  in.publicArea.type = TPM2_ALG_ECC;
  in.publicArea.nameAlg = TPM2_ALG_SHA256;
  in.publicArea.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                                   TPMA_OBJECT_NODA | TPMA_OBJECT_SIGN_ENCRYPT;
  in.publicArea.authPolicy = policy;
  auto& ecc = in.publicArea.parameters.eccDetail;
  ecc.symmetric.algorithm = TPM2_ALG_NULL;
  ecc.scheme.scheme = TPM2_ALG_ECDSA;
  ecc.scheme.details.ecdsa.hashAlg = curve.digest;
  ecc.curveID = curve.id;
  ecc.kdf.scheme = TPM2_ALG_NULL;
  return in;
}

const Curve* curve_of(const TPMT_PUBLIC& area) {
  if (area.type != TPM2_ALG_ECC) return nullptr;
  const auto* curve = std::ranges::find(curves, area.parameters.eccDetail.curveID, &Curve::id);
  return curve != curves.end() ? curve : nullptr;
}

/// TPMs may leave leading zeros out.
bool append(const TPM2B_ECC_PARAMETER& coordinate, const Curve& curve, std::vector<std::byte>& point) {
  if (coordinate.size > curve.bytes) return false;
  point.insert(point.end(), curve.bytes - coordinate.size, std::byte{});
  const auto bytes = std::as_bytes(std::span{coordinate.buffer}.first(coordinate.size));
  point.insert(point.end(), bytes.begin(), bytes.end());
  return true;
}

struct FreeSignature {
  void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
};

}  // namespace

std::vector<std::byte> der_of(const TPMS_SIGNATURE_ECC& signature) {
  const std::unique_ptr<ECDSA_SIG, FreeSignature> der{ECDSA_SIG_new()};
  BIGNUM* r = BN_bin2bn(signature.signatureR.buffer, signature.signatureR.size, nullptr);
  BIGNUM* s = BN_bin2bn(signature.signatureS.buffer, signature.signatureS.size, nullptr);
  require(der != nullptr && r != nullptr && s != nullptr && ECDSA_SIG_set0(der.get(), r, s) == 1,
          "OpenSSL is out of memory");
  std::vector<std::byte> bytes(static_cast<std::size_t>(i2d_ECDSA_SIG(der.get(), nullptr)));
  auto* out = reinterpret_cast<unsigned char*>(bytes.data());
  i2d_ECDSA_SIG(der.get(), &out);
  return bytes;
}

std::optional<TpmKeyFace> face_of(const TPMT_PUBLIC& area) {
  const Curve* curve = curve_of(area);
  if (curve == nullptr) return std::nullopt;
  TpmKeyFace face{.kind = curve->kind, .point = {std::byte{4}}};
  const auto& point = area.unique.ecc;
  if (!append(point.x, *curve, face.point) || !append(point.y, *curve, face.point)) return std::nullopt;
  return face;
}

std::optional<TpmKeyFace> face_of_signing_key(std::span<const std::byte> blob) {
  const auto parts = decode_tpm_blob(blob);
  return parts ? face_of(parts->public_part.publicArea) : std::nullopt;
}

Result<std::vector<std::byte>> Tpm::make_signing_key(KeyKind kind) {
  const auto* curve = std::ranges::find(curves, kind, &Curve::kind);
  if (curve == curves.end()) return fail(std::format("no TPM makes a key for {}", to_string(kind)));
  Handle root{state_->esys};
  Handle session{state_->esys};
  if (auto opened = state_->open_session(root, session); !opened) return std::unexpected{opened.error()};
  const auto policy = state_->digest_of_policy(root, session);
  if (!policy) return std::unexpected{policy.error()};

  const TPM2B_SENSITIVE_CREATE no_secret{};
  const TPM2B_PUBLIC in = signing_template(*curve, *policy);
  const TPM2B_DATA no_data{};
  const TPML_PCR_SELECTION no_pcrs{};
  TPM2B_PRIVATE* private_part = nullptr;
  TPM2B_PUBLIC* public_part = nullptr;
  const TSS2_RC code = Esys_Create(state_->esys, root.get(), session.get(), ESYS_TR_NONE, ESYS_TR_NONE, &no_secret, &in,
                                   &no_data, &no_pcrs, &private_part, &public_part, nullptr, nullptr, nullptr);
  const EsysPointer<TPM2B_PRIVATE> owned_private{private_part};
  const EsysPointer<TPM2B_PUBLIC> owned_public{public_part};
  if (about_parameter(code)) {
    return fail(std::format("TPM '{}' makes no key for {}: choose another kind of key ({})", state_->tcti_name,
                            to_string(kind), because(code)));
  }
  if (code != TSS2_RC_SUCCESS) return state_->failed("cannot make a key", code);
  return encode_tpm_blob(*public_part, *private_part);
}

std::expected<void, Unopened> Tpm::try_signing_key(std::span<const std::byte> blob) {
  const auto parts = decode_tpm_blob(blob);
  if (!parts) return std::unexpected{Unopened{parts.error(), true}};
  return state_->while_pcrs_change([&] {
    Handle root{state_->esys};
    Handle session{state_->esys};
    Handle key{state_->esys};
    Handle policy{state_->esys};
    return state_->open_object(*parts, root, session, key, policy);
  });
}

Result<std::vector<std::byte>> Tpm::sign(std::span<const std::byte> blob, std::span<const std::byte> digest) {
  const auto parts = decode_tpm_blob(blob);
  if (!parts) return std::unexpected{parts.error()};
  const Curve* curve = curve_of(parts->public_part.publicArea);
  if (curve == nullptr || digest.size() != curve->bytes)
    return fail(std::format("a digest of {} bytes is nothing for this key to sign", digest.size()));
  return state_->while_pcrs_change([&]() -> Result<std::vector<std::byte>> {
    Handle root{state_->esys};
    Handle session{state_->esys};
    Handle key{state_->esys};
    Handle policy{state_->esys};
    if (auto opened = state_->open_object(*parts, root, session, key, policy); !opened)
      return fail(opened.error().message);

    TPM2B_DIGEST what{};
    what.size = static_cast<UINT16>(digest.size());
    std::memcpy(what.buffer, digest.data(), digest.size());
    TPMT_SIG_SCHEME scheme{};
    scheme.scheme = TPM2_ALG_NULL;  // the key's own
    TPMT_TK_HASHCHECK no_ticket{};
    no_ticket.tag = TPM2_ST_HASHCHECK;
    no_ticket.hierarchy = TPM2_RH_NULL;
    TPMT_SIGNATURE* signature = nullptr;
    // A signature is public, and no parameter that could be encrypted; the answer's MAC stays.
    TSS2_RC code = Esys_TRSess_SetAttributes(state_->esys, policy.get(), 0, TPMA_SESSION_ENCRYPT);
    if (code == TSS2_RC_SUCCESS)
      code = Esys_Sign(state_->esys, key.get(), policy.get(), ESYS_TR_NONE, ESYS_TR_NONE, &what, &scheme, &no_ticket,
                       &signature);
    const EsysPointer<TPMT_SIGNATURE> owned{signature};
    if (code != TSS2_RC_SUCCESS) return state_->failed("cannot sign", code);
    return der_of(signature->signature.ecdsa);
  });
}

}  // namespace cloister::crypto
