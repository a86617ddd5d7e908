#include "crypto/tpm_counter.hpp"

#include <tss2/tss2_mu.h>

#include <array>
#include <chrono>
#include <cstring>
#include <format>
#include <thread>
#include <type_traits>
#include <vector>

#include "crypto/digest.hpp"
#include "crypto/kdf.hpp"
#include "crypto/tpm_state.hpp"

namespace cloister::crypto {
namespace {

constexpr TPMA_NV attributes =
    TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE | TPMA_NV_NO_DA | (TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT);
constexpr std::uint16_t counter_bytes = 8;

std::array<std::byte, counter_bytes> big_endian(std::uint64_t value) {
  std::array<std::byte, counter_bytes> bytes{};
  for (std::size_t i = 0; i < counter_bytes; ++i)
    bytes[i] = static_cast<std::byte>(value >> (8 * (counter_bytes - 1 - i)));
  return bytes;
}

TPM2B_NV_PUBLIC public_area(std::uint32_t index) {
  TPM2B_NV_PUBLIC area{};
  area.nvPublic.nvIndex = index;
  area.nvPublic.nameAlg = TPM2_ALG_SHA256;
  area.nvPublic.attributes = attributes;
  area.nvPublic.dataSize = counter_bytes;
  return area;
}

/// TPM 2.0 part 1, 16: the algorithm, and the digest of the public area, of a counter that has been stepped.
std::vector<std::byte> name_of(std::uint32_t index) {
  auto area = public_area(index).nvPublic;
  area.attributes |= TPMA_NV_WRITTEN;
  std::array<std::uint8_t, sizeof(TPMS_NV_PUBLIC)> bytes{};
  std::size_t length = 0;
  require(Tss2_MU_TPMS_NV_PUBLIC_Marshal(&area, bytes.data(), bytes.size(), &length) == TSS2_RC_SUCCESS,
          "a public area can be marshalled");
  const auto digest = sha256(std::as_bytes(std::span{bytes}.first(length)));
  std::vector<std::byte> name{std::byte{TPM2_ALG_SHA256 >> 8U}, std::byte{TPM2_ALG_SHA256 & 0xFFU}};
  name.insert(name.end(), digest.begin(), digest.end());
  return name;
}

}  // namespace

/// The handle of the index on this side; nothing in the TPM's slots. `session` outlives it.
class TpmCounter::Open {
 public:
  Open(const Tpm::State& state, std::uint32_t index, const Handle& session)
      : state_{state}, index_{index}, session_{session} {}
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;
  ~Open() {
    if (counter_ != ESYS_TR_NONE) Esys_TR_Close(state_.esys, &counter_);
  }

  /// What `use` makes of the counter, in a session of its own.
  template <class Use>
  [[nodiscard]] static auto with(const Tpm::State& state, std::uint32_t index, Use use)
      -> std::invoke_result_t<Use, Open&> {
    Handle session{state.esys};
    {
      // Of no use once the session is salted; the kernel's resource manager would load it anew for each command.
      Handle root{state.esys};
      if (auto opened = state.open_session(root, session); !opened) return std::unexpected{opened.error()};
    }
    Open counter{state, index, session};
    return use(counter);
  }

  /// Its value; made and begun where there is none.
  [[nodiscard]] Result<Reading> begin() {
    auto found = find();
    if (!found) return std::unexpected{found.error()};
    bool made = false;
    if (!*found) {
      const auto outcome = make();
      if (!outcome) return std::unexpected{outcome.error()};
      made = *outcome;
      if (!made) found = find();
      if (!found) return std::unexpected{found.error()};
    }
    if (!made && !written_) {
      if (auto waited = await_first_step(); !waited) return std::unexpected{waited.error()};
    }
    if (!written_) {
      if (auto stepped = step(); !stepped) return std::unexpected{stepped.error()};
    }
    const auto value = read();
    if (!value) return std::unexpected{value.error()};
    return Reading{*value, made};
  }

  /// False when the TPM has no such index.
  [[nodiscard]] Result<bool> find() {
    const TSS2_RC code =
        Esys_TR_FromTPMPublic(state_.esys, index_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &counter_);
    if (code != TSS2_RC_SUCCESS) {
      counter_ = ESYS_TR_NONE;
      // Format-one error 0x8B with the handle's number: the index is not there.
      if ((code & 0x0BFU) == TPM2_RC_HANDLE) return false;
      return failed("cannot be looked at", code);
    }
    // The TPM's name of the index covers its attributes and enters each command's HMAC: a lie here ends there.
    TPM2B_NV_PUBLIC* found = nullptr;
    const TSS2_RC read =
        Esys_NV_ReadPublic(state_.esys, counter_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &found, nullptr);
    if (read != TSS2_RC_SUCCESS) return failed("cannot be looked at", read);
    const EsysPointer<TPM2B_NV_PUBLIC> owned{found};
    if ((found->nvPublic.attributes & ~TPMA_NV_WRITTEN) != attributes || found->nvPublic.dataSize != counter_bytes)
      return fail(
          std::format("TPM '{}': index 0x{:08X} is used by something else than Cloister's counter: free it "
                      "(tpm2_nvundefine 0x{:08X})",
                      state_.tcti_name, index_, index_));
    written_ = (found->nvPublic.attributes & TPMA_NV_WRITTEN) != 0;
    return true;
  }

  /// False when another process was quicker.
  [[nodiscard]] Result<bool> make() {
    const TPM2B_NV_PUBLIC wanted = public_area(index_);
    const TPM2B_AUTH no_password{};
    const TSS2_RC code = Esys_NV_DefineSpace(state_.esys, ESYS_TR_RH_OWNER, session_.get(), ESYS_TR_NONE, ESYS_TR_NONE,
                                             &no_password, &wanted, &counter_);
    if (code == TPM2_RC_NV_DEFINED) return false;
    if (code != TSS2_RC_SUCCESS) return failed("cannot be made", code);
    return true;
  }

  /// Who has just made it also steps first: were it stepped twice, what he then seals to its value would never open. One
  /// that nobody steps any more was left by a process that ended in between.
  [[nodiscard]] Result<> await_first_step() {
    constexpr std::chrono::milliseconds between_looks{50};
    constexpr std::chrono::seconds patience{3};
    for (const auto end = std::chrono::steady_clock::now() + patience; std::chrono::steady_clock::now() < end;) {
      std::this_thread::sleep_for(between_looks);
      Esys_TR_Close(state_.esys, &counter_);  // the object remembers the name that the counter had
      const auto found = find();
      if (!found) return std::unexpected{found.error()};
      if (!*found) return fail(std::format("counter 0x{:08X} was removed by another process: try again", index_));
      if (written_) break;
    }
    return {};
  }

  /// A counter has no value before its first step.
  [[nodiscard]] bool written() const { return written_; }

  [[nodiscard]] Result<> step() {
    const TSS2_RC code = increment();
    if (code != TSS2_RC_SUCCESS) return failed("cannot be moved on", code);
    return {};
  }

  /// Also where the TPM slows writes down.
  [[nodiscard]] Result<> step_patiently() {
    constexpr std::chrono::milliseconds between_tries{200};
    constexpr int tries = 150;
    TSS2_RC code = increment();
    for (int i = 1; (code & 0xFFFFU) == TPM2_RC_NV_RATE && i < tries; ++i) {
      std::this_thread::sleep_for(between_tries);
      code = increment();
    }
    if (code != TSS2_RC_SUCCESS) return failed("cannot be moved on", code);
    return {};
  }

  [[nodiscard]] Result<std::uint64_t> read() {
    TPM2B_MAX_NV_BUFFER* data = nullptr;
    const TSS2_RC code =
        Esys_NV_Read(state_.esys, counter_, counter_, right(), ESYS_TR_NONE, ESYS_TR_NONE, counter_bytes, 0, &data);
    if (code != TSS2_RC_SUCCESS) return failed("cannot be read", code);
    const EsysPointer<TPM2B_MAX_NV_BUFFER> owned{data};
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < counter_bytes; ++i) value = (value << 8U) | data->buffer[i];
    return value;
  }

  /// Undefined; its value is remembered by the TPM, and whatever counter is made later begins above it.
  [[nodiscard]] Result<> remove() {
    const TSS2_RC code =
        Esys_NV_UndefineSpace(state_.esys, ESYS_TR_RH_OWNER, counter_, session_.get(), ESYS_TR_NONE, ESYS_TR_NONE);
    if (code != TSS2_RC_SUCCESS) return failed("cannot be removed", code);
    counter_ = ESYS_TR_NONE;
    return {};
  }

  /// TPM2_PolicyNV (TPM 2.0 part 3, 23.9): the policy holds while the counter compares so with this value.
  [[nodiscard]] Result<> into_policy(std::uint64_t value, TPM2_EO comparison, const Handle& policy) {
    TPM2B_OPERAND operand{};
    const auto bytes = big_endian(value);
    operand.size = counter_bytes;
    std::memcpy(operand.buffer, bytes.data(), bytes.size());
    const TSS2_RC code = Esys_PolicyNV(state_.esys, counter_, counter_, policy.get(), session_.get(), ESYS_TR_NONE,
                                       ESYS_TR_NONE, &operand, 0, comparison);
    if (code != TSS2_RC_SUCCESS) return failed("cannot enter a policy", code);
    return {};
  }

 private:
  TSS2_RC increment() {
    return Esys_NV_Increment(state_.esys, counter_, counter_, right(), ESYS_TR_NONE, ESYS_TR_NONE);
  }

  /// The session; without one the empty password, which no counter of ours asks to be more.
  [[nodiscard]] ESYS_TR right() const { return session_.get() == ESYS_TR_NONE ? ESYS_TR_PASSWORD : session_.get(); }

  [[nodiscard]] std::unexpected<Error> failed(const char* what, TSS2_RC code) const {
    return state_.failed(std::format("counter 0x{:08X} {}", index_, what).c_str(), code);
  }

  const Tpm::State& state_;
  std::uint32_t index_;
  const Handle& session_;
  ESYS_TR counter_ = ESYS_TR_NONE;
  bool written_ = false;
};

std::uint32_t TpmCounter::index_of(std::string_view name, unsigned role) {
  constexpr std::string_view label = "cloister NV counter v1";
  const auto digest = hmac_sha256(std::as_bytes(std::span{label}), std::as_bytes(std::span{name}));
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < 3; ++i) bits = (bits << 8U) | std::to_integer<std::uint32_t>(digest[i]);
  return 0x01800000U | ((bits & 0x3FFFFU) << 1U) | (role & 1U);
}

Result<TpmCounter::Reading> TpmCounter::open(Tpm& tpm, std::uint32_t index) {
  return Open::with(*tpm.state_, index, [](Open& counter) { return counter.begin(); });
}

Result<std::optional<std::uint64_t>> TpmCounter::look(Tpm& tpm, std::uint32_t index) {
  return Open::with(*tpm.state_, index, [](Open& counter) -> Result<std::optional<std::uint64_t>> {
    const auto found = counter.find();
    if (!found) return std::unexpected{found.error()};
    if (!*found || !counter.written()) return std::nullopt;
    return counter.read();
  });
}

Result<std::uint64_t> TpmCounter::advance(Tpm& tpm, std::uint32_t index, std::uint64_t to) {
  return Open::with(*tpm.state_, index, [index, to](Open& counter) -> Result<std::uint64_t> {
    const auto found = counter.find();
    if (!found) return std::unexpected{found.error()};
    if (!*found || !counter.written())
      return fail(std::format("the TPM has no counter 0x{:08X} any more: was it cleared or replaced", index));
    auto value = counter.read();
    if (value && *value < to && to - *value > steps_max)
      return fail(std::format("counter 0x{:08X} is {} and should reach {}: too far", index, *value, to));
    while (value && *value < to) {
      if (auto stepped = counter.step(); !stepped) return std::unexpected{stepped.error()};
      value = counter.read();
    }
    return value;
  });
}

Result<> TpmCounter::run_up(Tpm& tpm, std::uint32_t index, std::uint64_t to) {
  const auto from = look(tpm, index);
  if (!from) return std::unexpected{from.error()};
  if (!*from) return fail(std::format("the TPM has no counter 0x{:08X} any more: was it cleared or replaced", index));
  const Handle no_session{tpm.state_->esys};
  Open counter{*tpm.state_, index, no_session};
  if (const auto found = counter.find(); !found) return std::unexpected{found.error()};
  for (auto value = **from; value < to; ++value)
    if (auto stepped = counter.step_patiently(); !stepped) return stepped;
  return {};
}

Result<> TpmCounter::remove(Tpm& tpm, std::uint32_t index) {
  return Open::with(*tpm.state_, index, [](Open& counter) -> Result<> {
    const auto found = counter.find();
    if (!found) return std::unexpected{found.error()};
    return *found ? counter.remove() : Result<>{};
  });
}

Result<> TpmCounter::into_policy(const Tpm::State& state, std::uint32_t index, const Handle& session,
                                 const Handle& policy) {
  Open counter{state, index, session};
  const auto reading = counter.begin();
  if (!reading) return std::unexpected{reading.error()};
  return counter.into_policy(reading->value, TPM2_EO_EQ, policy);
}

Result<> TpmCounter::at_most_into_policy(const Tpm::State& state, std::uint32_t index, const Handle& session,
                                         const Handle& policy, std::uint64_t limit) {
  Open counter{state, index, session};
  const auto reading = counter.begin();
  if (!reading) return std::unexpected{reading.error()};
  if (reading->value > limit) {
    return fail(std::format(
        "what this machine has started is of generation {}, and TPM '{}' has counted {}: an older one than it was last "
        "good with opens nothing any more: start the newer one, or a newer one still",
        limit, state.tcti_name, reading->value));
  }
  return counter.into_policy(limit, TPM2_EO_UNSIGNED_LE, policy);
}

PcrDigest TpmCounter::at_most(const PcrDigest& policy, std::uint32_t index, std::uint64_t limit) {
  const auto append = [](std::vector<std::byte>& to, const auto& bytes) {
    to.insert(to.end(), bytes.begin(), bytes.end());
  };
  std::vector<std::byte> demand;  // operandB, offset, operation
  append(demand, big_endian(limit));
  append(demand, std::array{std::byte{0}, std::byte{0}, std::byte{0}, std::byte{TPM2_EO_UNSIGNED_LE}});
  std::vector<std::byte> extended{policy.begin(), policy.end()};
  append(extended, std::array{std::byte{0}, std::byte{0}, std::byte{TPM2_CC_PolicyNV >> 8U},
                              std::byte{TPM2_CC_PolicyNV & 0xFFU}});
  append(extended, sha256(demand));
  append(extended, name_of(index));
  return sha256(extended);
}

}  // namespace cloister::crypto
