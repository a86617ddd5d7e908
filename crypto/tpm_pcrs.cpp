#include <tss2/tss2_mu.h>

#include <algorithm>
#include <cstring>
#include <format>
#include <ranges>
#include <vector>

#include "crypto/digest.hpp"
#include "crypto/tpm_counter.hpp"
#include "crypto/tpm_file.hpp"
#include "crypto/tpm_state.hpp"

namespace cloister::crypto {
namespace {

TPM2B_DIGEST as_tpm_digest(const PcrDigest& digest) {
  TPM2B_DIGEST out{};
  out.size = static_cast<UINT16>(digest.size());
  std::memcpy(out.buffer, digest.data(), digest.size());
  return out;
}

TPM2B_PUBLIC public_area(const PolicyKey& key) {
  TPM2B_PUBLIC out{};
  out.publicArea.type = TPM2_ALG_RSA;
  out.publicArea.nameAlg = TPM2_ALG_SHA256;
  out.publicArea.objectAttributes = TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_USERWITHAUTH;
  auto& rsa = out.publicArea.parameters.rsaDetail;
  rsa.symmetric.algorithm = TPM2_ALG_NULL;
  rsa.scheme.scheme = TPM2_ALG_NULL;
  rsa.keyBits = 2048;
  const auto modulus = key.modulus();
  out.publicArea.unique.rsa.size = static_cast<UINT16>(modulus.size());
  std::memcpy(out.publicArea.unique.rsa.buffer, modulus.data(), modulus.size());
  return out;
}

/// TPM 2.0 part 1, 16: the algorithm, and the digest of the public area.
TPM2B_NAME name_of(const TPM2B_PUBLIC& key) {
  std::vector<std::uint8_t> bytes(sizeof(TPMT_PUBLIC));
  std::size_t length = 0;
  require(Tss2_MU_TPMT_PUBLIC_Marshal(&key.publicArea, bytes.data(), bytes.size(), &length) == TSS2_RC_SUCCESS,
          "a public area can be marshalled");
  const auto digest = sha256(std::as_bytes(std::span{bytes}.first(length)));
  TPM2B_NAME name{};
  name.name[1] = TPM2_ALG_SHA256;
  name.size = static_cast<UINT16>(2 + digest.size());
  std::memcpy(name.name + 2, digest.data(), digest.size());
  return name;
}

Result<PolicyKey> read_policy_key(const PcrBinding& binding) {
  const auto text = read_text_file(binding.policy_key, public_key_text_bytes_max);
  if (!text) return fail(std::format("policy key {}", text.error().message));
  auto key = PolicyKey::parse_public(*text);
  if (!key) return fail(std::format("'{}' {}", binding.policy_key, key.error().message));
  return key;
}

std::string listed(std::span<const unsigned> pcrs) {
  std::string out;
  for (const unsigned pcr : pcrs) out += std::format("{}{}", out.empty() ? "" : ", ", pcr);
  return out;
}

/// The policy that names this state as the binding asks for it, signed by its key; of several the newest generation's.
Result<SignedPcrPolicy> find_signed(const PcrBinding& binding, const PolicyKey& key, const PcrValues& values,
                                    const std::string& tcti) {
  const auto text = read_text_file(binding.signatures, pcr_signatures_bytes_max);
  if (!text)
    return fail(
        std::format("signed PCR policies {}: make and install one ('cloisterctl pcr-policy')", text.error().message));
  const auto policies = parse_pcr_signatures(*text);
  if (!policies) return fail(std::format("'{}' {}", binding.signatures, policies.error().message));
  auto named = *policies | std::views::filter([&](const SignedPcrPolicy& policy) {
    return policy.key == key.fingerprint() && policy.pcrs == binding.pcrs &&
           policy.generation.has_value() == binding.generations &&
           policy.policy == pcr_policy(values, policy.generation) && key.verifies(policy);
  });
  const auto found = std::ranges::max_element(named, {}, &SignedPcrPolicy::generation);
  if (found == named.end()) {
    return fail(std::format(
        "PCRs {} of TPM '{}' have values that no signed policy in '{}' names{}: the machine has started something else "
        "than it was trusted with; where that was meant, sign its state ('cloisterctl pcr-policy sign{}') and install "
        "it",
        listed(binding.pcrs), tcti, binding.signatures, binding.generations ? " with a generation" : "",
        binding.generations ? " --generation" : ""));
  }
  return *found;
}

}  // namespace

TPML_PCR_SELECTION selection_of(std::span<const unsigned> pcrs) {
  TPML_PCR_SELECTION selection{};
  selection.count = 1;
  auto& bank = selection.pcrSelections[0];
  bank.hash = TPM2_ALG_SHA256;
  bank.sizeofSelect = 3;
  for (const unsigned pcr : pcrs) bank.pcrSelect[pcr / 8] |= static_cast<BYTE>(1U << (pcr % 8));
  return selection;
}

Result<PcrValues> Tpm::read_pcrs(std::span<const unsigned> pcrs) { return state_->pcr_values(pcrs); }

Result<PcrValues> Tpm::State::pcr_values(std::span<const unsigned> pcrs) const {
  PcrValues values;
  for (const unsigned pcr : pcrs) {
    const auto selection = selection_of(std::span{&pcr, 1});
    TPML_DIGEST* digests = nullptr;
    const TSS2_RC code =
        Esys_PCR_Read(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &selection, nullptr, nullptr, &digests);
    if (code != TSS2_RC_SUCCESS) return failed("its PCRs cannot be read", code);
    const EsysPointer<TPML_DIGEST> owned{digests};
    auto& value = values[pcr];
    if (digests->count != 1 || digests->digests[0].size != value.size())
      return fail(
          std::format("TPM '{}' has no PCR {} of SHA-256: switch that bank on in the firmware", tcti_name, pcr));
    std::memcpy(value.data(), digests->digests[0].buffer, value.size());
  }
  return values;
}

Result<TPMT_TK_VERIFIED> Tpm::State::signed_ticket(const SignedPcrPolicy& found, const TPM2B_PUBLIC& area) const {
  Handle loaded{esys};
  TSS2_RC code =
      Esys_LoadExternal(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, nullptr, &area, ESYS_TR_RH_OWNER, loaded.out());
  if (code != TSS2_RC_SUCCESS) return failed("does not take the policy key", code);
  TPMT_SIGNATURE signature{};
  signature.sigAlg = TPM2_ALG_RSASSA;
  auto& rsa = signature.signature.rsassa;
  rsa.hash = TPM2_ALG_SHA256;
  rsa.sig.size = static_cast<UINT16>(found.signature.size());
  std::memcpy(rsa.sig.buffer, found.signature.data(), found.signature.size());
  std::vector<std::byte> authorized{found.policy.begin(), found.policy.end()};
  const auto reference = policy_reference(found.generation.has_value());
  authorized.insert(authorized.end(), reference.begin(), reference.end());
  const auto digest = as_tpm_digest(sha256(authorized));
  TPMT_TK_VERIFIED* ticket = nullptr;
  code =
      Esys_VerifySignature(esys, loaded.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &digest, &signature, &ticket);
  if (code != TSS2_RC_SUCCESS) return failed("does not verify a signed PCR policy", code);
  const EsysPointer<TPMT_TK_VERIFIED> owned{ticket};
  return *ticket;
}

Result<TPMT_TK_VERIFIED> Tpm::State::fulfil(const PolicyKey& key, const TPM2B_PUBLIC& area, const Handle& session,
                                            const Handle& policy) const {
  const auto selection = selection_of(binding.pcrs);
  const TPM2B_DIGEST as_they_are{};
  const TSS2_RC code =
      Esys_PolicyPCR(esys, policy.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &as_they_are, &selection);
  if (code != TSS2_RC_SUCCESS) return failed("its PCRs cannot enter a policy", code);
  const auto values = pcr_values(binding.pcrs);
  if (!values) return std::unexpected{values.error()};
  const auto found = find_signed(binding, key, *values, tcti_name);
  if (!found) return std::unexpected{found.error()};
  if (found->generation) {
    const auto demanded =
        TpmCounter::at_most_into_policy(*this, TpmCounter::image_generation, session, policy, *found->generation);
    if (!demanded) return std::unexpected{demanded.error()};
  }
  return signed_ticket(*found, area);
}

Result<> Tpm::State::bind(TPM2_SE kind, const Handle& session, const Handle& policy) const {
  const auto key = read_policy_key(binding);
  if (!key) return std::unexpected{key.error()};
  const auto area = public_area(*key);
  TPM2B_DIGEST now{};
  TPMT_TK_VERIFIED ticket{};
  ticket.tag = TPM2_ST_VERIFIED;
  ticket.hierarchy = TPM2_RH_NULL;
  if (kind == TPM2_SE_POLICY) {
    const auto verified = fulfil(*key, area, session, policy);
    if (!verified) return std::unexpected{verified.error()};
    ticket = *verified;
    // The TPM's own word of what was fulfilled: where PCRs changed in between it is not what was signed.
    const auto digest = digest_of(policy);
    if (!digest) return std::unexpected{digest.error()};
    now = *digest;
  }
  TPM2B_NONCE reference{};
  const auto text = policy_reference(binding.generations);
  reference.size = static_cast<UINT16>(text.size());
  if (!text.empty()) std::memcpy(reference.buffer, text.data(), text.size());
  const auto name = name_of(area);
  const TSS2_RC code = Esys_PolicyAuthorize(esys, policy.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &now,
                                            &reference, &name, &ticket);
  if (code != TSS2_RC_SUCCESS) return failed("does not take a signed PCR policy", code);
  return {};
}

Result<> Tpm::State::bind_unchanged(const Handle& policy) const {
  const auto selection = selection_of(binding.unchanged);
  const TPM2B_DIGEST as_they_are{};
  const TSS2_RC code =
      Esys_PolicyPCR(esys, policy.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &as_they_are, &selection);
  if (code != TSS2_RC_SUCCESS) return failed("its PCRs cannot enter a policy", code);
  return {};
}

Result<Tpm::Generations> Tpm::generations() {
  const auto& binding = state_->binding;
  if (!binding.generations) return fail("sealed objects are bound to no generation: set 'tpm.generations'");
  const auto key = read_policy_key(binding);
  if (!key) return std::unexpected{key.error()};
  const auto values = read_pcrs(binding.pcrs);
  if (!values) return std::unexpected{values.error()};
  const auto found = find_signed(binding, *key, *values, state_->tcti_name);
  if (!found) return std::unexpected{found.error()};
  const auto counted = TpmCounter::look(*this, TpmCounter::image_generation);
  if (!counted) return std::unexpected{counted.error()};
  return Generations{.running = *found->generation, .counted = counted->value_or(0)};
}

Result<Tpm::Generations> Tpm::retire_older() {
  constexpr std::uint64_t steps_ever = 4096;  // a TPM's memory wears: a number beyond that is a mistake
  auto now = generations();
  if (!now) return now;
  const auto made = TpmCounter::open(*this, TpmCounter::image_generation);
  if (!made) return std::unexpected{made.error()};
  now->counted = made->value;
  if (now->running > now->counted && now->running - now->counted > steps_ever)
    return fail(std::format("TPM '{}' has counted {} generations, and this one is {}: too far", state_->tcti_name,
                            now->counted, now->running));
  if (now->counted >= now->running) return now;
  if (auto up = TpmCounter::run_up(*this, TpmCounter::image_generation, now->running); !up)
    return std::unexpected{up.error()};
  const auto moved = TpmCounter::advance(*this, TpmCounter::image_generation, now->running);
  if (!moved) return std::unexpected{moved.error()};
  now->counted = *moved;
  return now;
}

}  // namespace cloister::crypto
