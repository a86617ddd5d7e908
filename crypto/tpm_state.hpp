#pragma once
/// What the files that talk to the TPM share: the connection, and the handles in the TPM's few slots.

#include <tss2/tss2_esys.h>

#include <format>
#include <memory>
#include <string>

#include "crypto/tpm.hpp"
#include "crypto/tpm_blob.hpp"
#include "crypto/tpm_bus.hpp"

namespace cloister::crypto {

struct FreeEsys {
  void operator()(void* memory) const { Esys_Free(memory); }
};
template <class T>
using EsysPointer = std::unique_ptr<T, FreeEsys>;

/// A key, session or object in the TPM's few slots; given back when it goes.
class Handle {
 public:
  explicit Handle(ESYS_CONTEXT* context) : context_{context} {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (handle_ != ESYS_TR_NONE) Esys_FlushContext(context_, handle_);
  }
  [[nodiscard]] ESYS_TR get() const { return handle_; }
  [[nodiscard]] ESYS_TR* out() { return &handle_; }

 private:
  ESYS_CONTEXT* context_;
  ESYS_TR handle_ = ESYS_TR_NONE;
};

/// What an answer of the TPM means, for people.
[[nodiscard]] std::string because(TSS2_RC code);
/// The TPM itself says that what it was given is wrong (format one, TPM 2.0 part 2, 6.6.3), not that it cannot now.
[[nodiscard]] bool about_parameter(TSS2_RC code);

/// ECDSA-Sig-Value in DER (RFC 3279, 2.2.3).
[[nodiscard]] std::vector<std::byte> der_of(const TPMS_SIGNATURE_ECC& signature);
/// These PCRs of the bank SHA-256.
[[nodiscard]] TPML_PCR_SELECTION selection_of(std::span<const unsigned> pcrs);

struct Tpm::State {
  std::string tcti_name;
  PcrBinding binding;
  std::unique_ptr<TpmBus> bus;
  ESYS_CONTEXT* esys = nullptr;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (esys != nullptr) Esys_Finalize(&esys);
  }

  mutable bool pcrs_changed = false;  // that is why something failed

  /// Some PCR, whichever, that is extended between two commands of a policy session ends it (TPM 2.0 part 3, 23.7), as
  /// happens while a machine starts: what failed for that alone is tried again.
  template <class Attempt>
  [[nodiscard]] auto while_pcrs_change(Attempt attempt) const {
    constexpr int tries = 8;
    for (int i = 1;; ++i) {
      pcrs_changed = false;
      auto outcome = attempt();
      if (outcome || !pcrs_changed || i == tries) return outcome;
    }
  }

  [[nodiscard]] std::unexpected<Error> failed(const char* what, TSS2_RC code) const {
    pcrs_changed = pcrs_changed || (code & 0xFFFFU) == TPM2_RC_PCR_CHANGED;
    return fail(std::format("TPM '{}': {}: {}", tcti_name, what, bus->fault().empty() ? because(code) : bus->fault()));
  }

  /// The storage root key and a session that is salted with it, so that parameters cross the bus encrypted and answers
  /// cannot be changed on it.
  [[nodiscard]] Result<> open_session(Handle& root, Handle& session) const;
  /// A session (TPM2_SE_POLICY, or TPM2_SE_TRIAL to learn its digest) that fulfils the policy of all sealed objects:
  /// the machine is in a state that the policy key has signed, and the PCRs that may not change are as they were, where
  /// they are bound to any, and the box's secrets are of the generation that the TPM counts now. `session` is for the
  /// commands in between.
  [[nodiscard]] Result<> open_policy(const Handle& root, const Handle& session, TPM2_SE kind, Handle& policy) const;
  /// The first part of that policy where objects are bound to PCRs: they have values that the policy key has signed.
  [[nodiscard]] Result<> bind(TPM2_SE kind, const Handle& session, const Handle& policy) const;
  /// The part that no signature renews: PCRs that are as they were.
  [[nodiscard]] Result<> bind_unchanged(const Handle& policy) const;
  /// What the policy key has signed of the state that the machine is in, made true in the session.
  [[nodiscard]] Result<TPMT_TK_VERIFIED> fulfil(const PolicyKey& key, const TPM2B_PUBLIC& area, const Handle& session,
                                                const Handle& policy) const;
  [[nodiscard]] Result<TPMT_TK_VERIFIED> signed_ticket(const SignedPcrPolicy& found, const TPM2B_PUBLIC& area) const;
  [[nodiscard]] Result<PcrValues> pcr_values(std::span<const unsigned> pcrs) const;
  [[nodiscard]] Result<TPM2B_DIGEST> digest_of(const Handle& policy) const;
  /// What that policy's digest is now, for a new object.
  [[nodiscard]] Result<TPM2B_DIGEST> digest_of_policy(const Handle& root, const Handle& session) const;
  /// Loads an object of ours and fulfils its policy.
  [[nodiscard]] std::expected<void, Unopened> open_object(const TpmBlob& parts, Handle& root, Handle& session,
                                                          Handle& object, Handle& policy) const;
};

}  // namespace cloister::crypto
