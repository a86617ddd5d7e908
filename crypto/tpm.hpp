#pragma once
/// Sealing small secrets to a TPM 2.0, by tpm2-tss ESAPI, through salted and encrypted sessions: nothing secret crosses
/// the bus in clear. Objects are exempt from dictionary-attack protection (a pulled plug must not lock the box out).

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "crypto/error.hpp"
#include "crypto/pcr_policy.hpp"
#include "crypto/public_key.hpp"
#include "crypto/quote.hpp"
#include "crypto/secret.hpp"

namespace cloister::crypto {

/// Why a sealed secret did not open.
struct Unopened : Error {
  Unopened(Error error, bool lost_for_good = false) : Error{std::move(error)}, for_good{lost_for_good} {}
  bool for_good;  // this TPM never opens it again; else it may, once the TPM is itself again
};

/// Where the TPM is, and what it is to find before it opens what it seals.
struct TpmSettings {
  TpmSettings(std::string name, PcrBinding bound_to = {}) : tcti{std::move(name)}, binding{std::move(bound_to)} {}
  /// As TpmBus reads it: "device:/dev/tpmrm0", "swtpm:host=127.0.0.1,port=2321".
  std::string tcti;
  PcrBinding binding;
};

class Tpm {
 public:
  /// Less than the unit's WatchdogSec, and far more than any TPM takes for what is asked of it here.
  static constexpr std::chrono::seconds answer_time{15};
  /// One that takes longer than `patience` for an answer has failed.
  [[nodiscard]] static Result<Tpm> open(const TpmSettings& settings, std::chrono::milliseconds patience = answer_time);
  Tpm(Tpm&&) noexcept;
  Tpm& operator=(Tpm&&) noexcept;
  ~Tpm();
  [[nodiscard]] TpmSettings settings() const;

  /// Seals at most 128 bytes under the storage root key; the returned blob (public and private part) is not secret and
  /// opens only with this TPM, only until `end_generation`, and only as the settings' binding lets it.
  [[nodiscard]] Result<std::vector<std::byte>> seal(std::span<const std::byte> secret);
  [[nodiscard]] std::expected<SecretVector<std::byte>, Unopened> unseal(std::span<const std::byte> blob);
  /// An ECDSA key that never leaves the TPM; its blob is as `seal`'s, and the key signs only as that would open.
  [[nodiscard]] Result<std::vector<std::byte>> make_signing_key(KeyKind kind);
  /// Whether it would sign now.
  [[nodiscard]] std::expected<void, Unopened> try_signing_key(std::span<const std::byte> blob);
  /// An ECDSA-Sig-Value in DER (RFC 3279, 2.2.3); the digest is of the length that the key's kind says.
  [[nodiscard]] Result<std::vector<std::byte>> sign(std::span<const std::byte> blob, std::span<const std::byte> digest);
  /// What the TPM finds of itself: TPM2_SelfTest of what it has not tested yet, TPM2_GetTestResult (TPM 2.0 part 3,
  /// section 10).
  [[nodiscard]] Result<> self_test();
  [[nodiscard]] Result<PcrValues> read_pcrs(std::span<const unsigned> pcrs);
  /// The TPM's signed word on these PCRs, for whoever has sent the challenge, of at most `challenge_bytes_max`. It has no
  /// boot log: that is the firmware's.
  [[nodiscard]] Result<Quote> quote(std::span<const std::byte> challenge, std::span<const unsigned> pcrs);
  /// Of what the machine has started, and the one below which nothing opens any more; 0: the TPM has no such counter yet.
  struct Generations {
    std::uint64_t running = 0;
    std::uint64_t counted = 0;
    [[nodiscard]] bool retired() const { return running < counted; }
  };
  /// Changes nothing in the TPM.
  [[nodiscard]] Result<Generations> generations();
  /// What runs is good: from now on nothing opens in a state of an older generation. It cannot be taken back.
  [[nodiscard]] Result<Generations> retire_older();
  /// Nothing that was sealed before opens any more, on this TPM or another: its policy names a value of the generation
  /// counter, which this moves on.
  [[nodiscard]] Result<> end_generation();

 private:
  friend class TpmCounter;
  struct State;
  explicit Tpm(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cloister::crypto
