#pragma once
/// A counter in a TPM's own memory that only ever goes up: what no copy of a disk can turn back.
///
/// TPM 2.0 part 1, 37.2.4 (NV counters). Not ORDERLY: each step is durable when the call returns, and there are no
/// jumps after a power cut. The index belongs to the owner and has no password; exempt from dictionary-attack
/// protection. Whoever reaches the TPM can move it on, which burns key but reveals none. Answers are under the salted
/// session's HMAC, so that nobody on the bus can show an older value.

#include <cstdint>
#include <optional>
#include <string_view>

#include "crypto/tpm.hpp"

namespace cloister::crypto {

class Handle;

class TpmCounter {
 public:
  /// The index of the counter `role` (0 or 1) for `name`: 18 bits of a hash of it, in the owner's range from 0x01800000.
  [[nodiscard]] static std::uint32_t index_of(std::string_view name, unsigned role);

  struct Reading {
    std::uint64_t value = 0;
    bool made = false;  // there was none: this is its first value, which is above that of all counters deleted earlier
  };
  /// Makes the counter where there is none.
  [[nodiscard]] static Result<Reading> open(Tpm& tpm, std::uint32_t index);
  /// None: there is no such counter, or one that was never stepped. Nothing is made.
  [[nodiscard]] static Result<std::optional<std::uint64_t>> look(Tpm& tpm, std::uint32_t index);
  /// Moves it on until it is at least `to`, durably; returns its value. At most `steps_max` away.
  [[nodiscard]] static Result<std::uint64_t> advance(Tpm& tpm, std::uint32_t index, std::uint64_t to);
  static constexpr std::uint64_t steps_max = 64;
  /// As `advance`, however far: as many steps as a reading in a session says, each without one, since for a command in a
  /// session the kernel's resource manager gives the TPM five more. Whoever is on the bus can swallow steps: `advance` to
  /// the same value, which reads in a session, tells.
  [[nodiscard]] static Result<> run_up(Tpm& tpm, std::uint32_t index, std::uint64_t to);
  /// There is no such counter afterwards. One that is made later begins above the values of all that there were.
  [[nodiscard]] static Result<> remove(Tpm& tpm, std::uint32_t index);

  /// The counter of the generations of what the machine starts (crypto/pcr_policy.hpp).
  static constexpr std::uint32_t image_generation = 0x01880001U;

  /// Makes the policy session demand the value that the counter has now; makes the counter where there is none.
  [[nodiscard]] static Result<> into_policy(const Tpm::State& state, std::uint32_t index, const Handle& session,
                                            const Handle& policy);

  /// Makes the policy session demand at most `limit`; makes the counter where there is none. An error where it is above.
  [[nodiscard]] static Result<> at_most_into_policy(const Tpm::State& state, std::uint32_t index, const Handle& session,
                                                    const Handle& policy, std::uint64_t limit);
  /// TPM 2.0 part 3, 23.9: what that makes of a policy's digest.
  [[nodiscard]] static PcrDigest at_most(const PcrDigest& policy, std::uint32_t index, std::uint64_t limit);

 private:
  class Open;
};

}  // namespace cloister::crypto
