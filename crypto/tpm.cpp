#include "crypto/tpm.hpp"

#include <tss2/tss2_rc.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <format>

#include "crypto/tpm_blob.hpp"
#include "crypto/tpm_counter.hpp"
#include "crypto/tpm_state.hpp"

namespace cloister::crypto {
namespace {

constexpr std::size_t secret_bytes_max = 128;

/// The NV index of the generation counter, above those of links' counters (TpmCounter::index_of).
constexpr std::uint32_t generation_index = 0x01880000U;

/// The same cipher for each session's parameters.
constexpr TPMT_SYM_DEF parameter_cipher() {
  TPMT_SYM_DEF cipher{};
  cipher.algorithm = TPM2_ALG_AES;
  cipher.keyBits.aes = 128;
  cipher.mode.aes = TPM2_ALG_CFB;
  return cipher;
}

bool same(const TPM2B_DIGEST& one, const TPM2B_DIGEST& other) {
  return one.size == other.size && std::memcmp(one.buffer, other.buffer, one.size) == 0;
}

/// The storage root key by the TCG's template for ECC P-256, exempt from dictionary-attack protection; the same at each
/// call.
TPM2B_PUBLIC storage_root_template() {
  TPM2B_PUBLIC in{};
  in.publicArea.type = TPM2_ALG_ECC;
  in.publicArea.nameAlg = TPM2_ALG_SHA256;
  in.publicArea.objectAttributes = TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT | TPMA_OBJECT_FIXEDTPM |
                                   TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                                   TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA;
  auto& ecc = in.publicArea.parameters.eccDetail;
  ecc.symmetric.algorithm = TPM2_ALG_AES;
  ecc.symmetric.keyBits.aes = 128;
  ecc.symmetric.mode.aes = TPM2_ALG_CFB;
  ecc.scheme.scheme = TPM2_ALG_NULL;
  ecc.curveID = TPM2_ECC_NIST_P256;
  ecc.kdf.scheme = TPM2_ALG_NULL;
  return in;
}

/// No password opens it: only the policy does.
TPM2B_PUBLIC sealed_template(const TPM2B_DIGEST& policy) {
  TPM2B_PUBLIC in{};
  in.publicArea.type = TPM2_ALG_KEYEDHASH;
  in.publicArea.nameAlg = TPM2_ALG_SHA256;
  in.publicArea.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_NODA;
  in.publicArea.authPolicy = policy;
  in.publicArea.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
  return in;
}

}  // namespace

bool about_parameter(TSS2_RC code) {
  return (code & TSS2_RC_LAYER_MASK) == TSS2_TPM_RC_LAYER && (code & TPM2_RC_FMT1) != 0;
}

std::string because(TSS2_RC code) {
  switch (code & 0xFFFFU) {
    case TPM2_RC_LOCKOUT:
      return "the TPM is locked out after wrong authorisations: wait, or clear the lockout";
    case TPM2_RC_FAILURE:
      return "the TPM is in failure mode: power the box off and on";
    case TPM2_RC_PCR_CHANGED:
      return "the TPM's PCRs were changed just now: try again";
    case TPM2_RC_NV_RATE:
      return "the TPM slows writes to its memory down: wait";
    case TPM2_RC_OBJECT_MEMORY:
    case TPM2_RC_SESSION_MEMORY:
      return "the TPM's slots are taken: reach it by the kernel's resource manager ('device:/dev/tpmrm0'), or start it "
             "anew";
    default:
      return Tss2_RC_Decode(code);
  }
}

Result<> Tpm::State::open_session(Handle& root, Handle& session) const {
  const TPM2B_SENSITIVE_CREATE no_secret{};
  const TPM2B_PUBLIC in = storage_root_template();
  const TPM2B_DATA no_data{};
  const TPML_PCR_SELECTION no_pcrs{};
  TSS2_RC code = Esys_CreatePrimary(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &no_secret,
                                    &in, &no_data, &no_pcrs, root.out(), nullptr, nullptr, nullptr, nullptr);
  if (code != TSS2_RC_SUCCESS) return failed("its storage root key cannot be made", code);
  const TPMT_SYM_DEF cipher = parameter_cipher();
  code = Esys_StartAuthSession(esys, root.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, nullptr,
                               TPM2_SE_HMAC, &cipher, TPM2_ALG_SHA256, session.out());
  if (code == TSS2_RC_SUCCESS) {
    constexpr TPMA_SESSION encrypted = TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT | TPMA_SESSION_CONTINUESESSION;
    code = Esys_TRSess_SetAttributes(esys, session.get(), encrypted, 0xFF);
  }
  if (code != TSS2_RC_SUCCESS) return failed("no encrypted session", code);
  return {};
}

Result<> Tpm::State::open_policy(const Handle& root, const Handle& session, TPM2_SE kind, Handle& policy) const {
  const TPMT_SYM_DEF cipher = parameter_cipher();
  TSS2_RC code = Esys_StartAuthSession(esys, root.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                       nullptr, kind, &cipher, TPM2_ALG_SHA256, policy.out());
  if (code == TSS2_RC_SUCCESS && kind == TPM2_SE_POLICY) {
    constexpr TPMA_SESSION encrypted = TPMA_SESSION_ENCRYPT | TPMA_SESSION_CONTINUESESSION;
    code = Esys_TRSess_SetAttributes(esys, policy.get(), encrypted, 0xFF);
  }
  if (code != TSS2_RC_SUCCESS) return failed("no policy session", code);
  if (binding.bound()) {
    if (auto bound = bind(kind, session, policy); !bound) return bound;
  }
  if (!binding.unchanged.empty()) {
    if (auto bound = bind_unchanged(policy); !bound) return bound;
  }
  return TpmCounter::into_policy(*this, generation_index, session, policy);
}

Result<TPM2B_DIGEST> Tpm::State::digest_of(const Handle& policy) const {
  TPM2B_DIGEST* digest = nullptr;
  const TSS2_RC code = Esys_PolicyGetDigest(esys, policy.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &digest);
  if (code != TSS2_RC_SUCCESS) return failed("no digest of a policy", code);
  const EsysPointer<TPM2B_DIGEST> owned{digest};
  return *digest;
}

Result<TPM2B_DIGEST> Tpm::State::digest_of_policy(const Handle& root, const Handle& session) const {
  return while_pcrs_change([&]() -> Result<TPM2B_DIGEST> {
    Handle policy{esys};
    if (auto opened = open_policy(root, session, TPM2_SE_TRIAL, policy); !opened)
      return std::unexpected{opened.error()};
    return digest_of(policy);
  });
}

std::expected<void, Unopened> Tpm::State::open_object(const TpmBlob& parts, Handle& root, Handle& session,
                                                      Handle& object, Handle& policy) const {
  const auto lost = [](std::string message) { return std::unexpected{Unopened{Error{std::move(message)}, true}}; };
  if (auto opened = open_session(root, session); !opened) return std::unexpected{opened.error()};
  const TSS2_RC code = Esys_Load(esys, root.get(), session.get(), ESYS_TR_NONE, ESYS_TR_NONE, &parts.private_part,
                                 &parts.public_part, object.out());
  if (code != TSS2_RC_SUCCESS && !about_parameter(code)) return failed("cannot load a sealed secret", code);
  if (code != TSS2_RC_SUCCESS) {
    return lost(std::format(
        "TPM '{}' does not open it: it was sealed by another TPM or is damaged: seal it again on this box ({})",
        tcti_name, because(code)));
  }
  if (auto opened = open_policy(root, session, TPM2_SE_POLICY, policy); !opened) return std::unexpected{opened.error()};
  const auto digest = digest_of(policy);
  if (!digest) return std::unexpected{digest.error()};
  if (!same(*digest, parts.public_part.publicArea.authPolicy)) {
    auto why = std::format(
        "TPM '{}' does not open it: it was sealed before this box was zeroized, or bound to other PCRs or by another "
        "policy key than the configuration's: seal it again on this box",
        tcti_name);
    if (binding.unchanged.empty()) return lost(std::move(why));
    // Which of them it is a digest does not tell, and what those PCRs were may come back.
    return fail(why + "; or the PCRs of 'tpm.unchanged_pcrs' are not what they were: start what it was sealed under");
  }
  return {};
}

Tpm::Tpm(std::unique_ptr<State> state) : state_{std::move(state)} {}
Tpm::Tpm(Tpm&&) noexcept = default;
Tpm& Tpm::operator=(Tpm&&) noexcept = default;
Tpm::~Tpm() = default;

TpmSettings Tpm::settings() const { return {state_->tcti_name, state_->binding}; }

Result<Tpm> Tpm::open(const TpmSettings& settings, std::chrono::milliseconds patience) {
  ::setenv("TSS2_LOG", "all+NONE", 0);  // its log lines repeat, for developers, what our messages say
  auto state = std::make_unique<State>();
  state->tcti_name = settings.tcti;
  state->binding = settings.binding;
  auto bus = TpmBus::open(settings.tcti, patience);
  if (!bus) {
    return fail(std::format(
        "TPM '{}' cannot be reached: is there one (ls /dev/tpmrm0), is 'tpm.tcti' right, does swtpm run: {}",
        settings.tcti, bus.error().message));
  }
  state->bus = std::move(*bus);
  TSS2_RC code = Esys_Initialize(&state->esys, state->bus->context(), nullptr);
  if (code != TSS2_RC_SUCCESS) return state->failed("cannot start", code);
  code = Esys_Startup(state->esys, TPM2_SU_CLEAR);  // the firmware has done it on real machines
  if (code != TSS2_RC_SUCCESS && (code & 0xFFFFU) != TPM2_RC_INITIALIZE)
    return state->failed("does not start up", code);
  return Tpm{std::move(state)};
}

Result<std::vector<std::byte>> Tpm::seal(std::span<const std::byte> secret) {
  if (secret.empty() || secret.size() > secret_bytes_max)
    return fail(std::format("a TPM seals 1 to {} bytes, not {}", secret_bytes_max, secret.size()));
  Handle root{state_->esys};
  Handle session{state_->esys};
  if (auto opened = state_->open_session(root, session); !opened) return std::unexpected{opened.error()};

  const auto digest = state_->digest_of_policy(root, session);
  if (!digest) return std::unexpected{digest.error()};

  TPM2B_SENSITIVE_CREATE sensitive{};
  sensitive.sensitive.data.size = static_cast<UINT16>(secret.size());
  std::memcpy(sensitive.sensitive.data.buffer, secret.data(), secret.size());
  const TPM2B_PUBLIC in = sealed_template(*digest);
  const TPM2B_DATA no_data{};
  const TPML_PCR_SELECTION no_pcrs{};
  TPM2B_PRIVATE* private_part = nullptr;
  TPM2B_PUBLIC* public_part = nullptr;
  const TSS2_RC code = Esys_Create(state_->esys, root.get(), session.get(), ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &in,
                                   &no_data, &no_pcrs, &private_part, &public_part, nullptr, nullptr, nullptr);
  wipe(std::as_writable_bytes(std::span{&sensitive, 1}));
  const EsysPointer<TPM2B_PRIVATE> owned_private{private_part};
  const EsysPointer<TPM2B_PUBLIC> owned_public{public_part};
  if (code != TSS2_RC_SUCCESS) return state_->failed("cannot seal", code);
  return encode_tpm_blob(*public_part, *private_part);
}

std::expected<SecretVector<std::byte>, Unopened> Tpm::unseal(std::span<const std::byte> blob) {
  const auto parts = decode_tpm_blob(blob);
  if (!parts) return std::unexpected{Unopened{parts.error(), true}};
  return state_->while_pcrs_change([&]() -> std::expected<SecretVector<std::byte>, Unopened> {
    Handle root{state_->esys};
    Handle session{state_->esys};
    Handle object{state_->esys};
    Handle policy{state_->esys};
    if (auto opened = state_->open_object(*parts, root, session, object, policy); !opened)
      return std::unexpected{opened.error()};
    TPM2B_SENSITIVE_DATA* data = nullptr;
    const TSS2_RC code = Esys_Unseal(state_->esys, object.get(), policy.get(), ESYS_TR_NONE, ESYS_TR_NONE, &data);
    if (code != TSS2_RC_SUCCESS) return state_->failed("cannot unseal", code);
    const EsysPointer<TPM2B_SENSITIVE_DATA> owned{data};
    const auto bytes = std::as_writable_bytes(std::span{data->buffer, data->size});
    SecretVector<std::byte> secret(bytes.begin(), bytes.end());
    wipe(bytes);
    return secret;
  });
}

Result<> Tpm::self_test() {
  TSS2_RC code = Esys_SelfTest(state_->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_NO);
  if (code != TSS2_RC_SUCCESS) return state_->failed("fails its own test", code);
  TPM2B_MAX_BUFFER* details = nullptr;
  TPM2_RC result = TPM2_RC_SUCCESS;
  code = Esys_GetTestResult(state_->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &details, &result);
  const EsysPointer<TPM2B_MAX_BUFFER> owned{details};
  if (code != TSS2_RC_SUCCESS) return state_->failed("does not tell the result of its own test", code);
  // A part may still be at its test, in the background; a command that needs it waits.
  if (result != TPM2_RC_SUCCESS && result != TPM2_RC_TESTING) return state_->failed("has failed its own test", result);
  return {};
}

Result<> Tpm::end_generation() {
  const auto generation = TpmCounter::open(*this, generation_index);
  if (!generation) return std::unexpected{generation.error()};
  const auto moved = TpmCounter::advance(*this, generation_index, generation->value + 1);
  if (!moved) return std::unexpected{moved.error()};
  return {};
}

}  // namespace cloister::crypto
