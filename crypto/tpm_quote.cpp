#include <tss2/tss2_mu.h>

#include <cstring>
#include <format>

#include "crypto/tpm_state.hpp"

namespace cloister::crypto {
namespace {

/// The same key each time, from the TPM's endorsement seed: restricted, so that it signs only what the TPM itself states.
TPM2B_PUBLIC attestation_template() {
  TPM2B_PUBLIC in{};
  in.publicArea.type = TPM2_ALG_ECC;
  in.publicArea.nameAlg = TPM2_ALG_SHA256;
  in.publicArea.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                                   TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED |
                                   TPMA_OBJECT_SIGN_ENCRYPT;
  auto& ecc = in.publicArea.parameters.eccDetail;
  ecc.symmetric.algorithm = TPM2_ALG_NULL;
  ecc.scheme.scheme = TPM2_ALG_ECDSA;
  ecc.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
  ecc.curveID = TPM2_ECC_NIST_P256;
  ecc.kdf.scheme = TPM2_ALG_NULL;
  return in;
}

std::vector<std::byte> marshalled(const TPM2B_PUBLIC& key) {
  std::vector<std::byte> bytes(sizeof(TPMT_PUBLIC));
  std::size_t length = 0;
  require(Tss2_MU_TPMT_PUBLIC_Marshal(&key.publicArea, reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size(),
                                      &length) == TSS2_RC_SUCCESS,
          "a public area can be marshalled");
  bytes.resize(length);
  return bytes;
}

}  // namespace

Result<Quote> Tpm::quote(std::span<const std::byte> challenge, std::span<const unsigned> pcrs) {
  if (challenge.size() > challenge_bytes_max)
    return fail(std::format("a challenge has at most {} bytes, not {}", challenge_bytes_max, challenge.size()));
  Handle root{state_->esys};
  Handle session{state_->esys};
  if (auto opened = state_->open_session(root, session); !opened) return std::unexpected{opened.error()};

  const TPM2B_SENSITIVE_CREATE no_secret{};
  const TPM2B_PUBLIC in = attestation_template();
  const TPM2B_DATA no_data{};
  const TPML_PCR_SELECTION no_pcrs{};
  Handle key{state_->esys};
  TPM2B_PUBLIC* public_part = nullptr;
  TSS2_RC code =
      Esys_CreatePrimary(state_->esys, ESYS_TR_RH_ENDORSEMENT, session.get(), ESYS_TR_NONE, ESYS_TR_NONE, &no_secret,
                         &in, &no_data, &no_pcrs, key.out(), &public_part, nullptr, nullptr, nullptr);
  if (code != TSS2_RC_SUCCESS) return state_->failed("its attestation key cannot be made", code);
  const EsysPointer<TPM2B_PUBLIC> owned_public{public_part};

  TPM2B_DATA qualifying{};
  qualifying.size = static_cast<UINT16>(challenge.size());
  if (!challenge.empty()) std::memcpy(qualifying.buffer, challenge.data(), challenge.size());
  TPMT_SIG_SCHEME own_scheme{};
  own_scheme.scheme = TPM2_ALG_NULL;
  const auto selection = selection_of(pcrs);
  // Read around the quote: what was extended in between is seen by whoever checks, and quoted again here.
  for (int tries = 8;; --tries) {
    const auto values = state_->pcr_values(pcrs);
    if (!values) return std::unexpected{values.error()};
    TPM2B_ATTEST* statement = nullptr;
    TPMT_SIGNATURE* signature = nullptr;
    code = Esys_Quote(state_->esys, key.get(), session.get(), ESYS_TR_NONE, ESYS_TR_NONE, &qualifying, &own_scheme,
                      &selection, &statement, &signature);
    if (code != TSS2_RC_SUCCESS) return state_->failed("does not quote its PCRs", code);
    const EsysPointer<TPM2B_ATTEST> owned_statement{statement};
    const EsysPointer<TPMT_SIGNATURE> owned_signature{signature};
    const auto bytes = std::as_bytes(std::span{statement->attestationData}.first(statement->size));
    Quote quote{.key = marshalled(*public_part),
                .statement = {bytes.begin(), bytes.end()},
                .signature = der_of(signature->signature.ecdsa),
                .pcrs = *values,
                .boot_log = {}};
    if (const auto good = check_quote(quote, challenge); good || tries == 1)
      return good
                 ? Result<Quote>{std::move(quote)}
                 : fail(std::format("TPM '{}' quotes what does not hold: {}", state_->tcti_name, good.error().message));
  }
}

}  // namespace cloister::crypto
