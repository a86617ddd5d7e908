#pragma once
/// The account of a block: everything from which its secret length follows, so that anyone can recompute it from the
/// log (`cloisterctl account`).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "appliance/distill/observation.hpp"
#include "appliance/distill/secret_length.hpp"

namespace cloister::distill {

/// What both boxes must agree on; the session compares it at its start.
struct Parameters {
  Bound bound = Bound::wiesemann2024;
  PerIntensity intensities{0.5, 0.15};   // mean photon numbers, descending
  PerIntensity probabilities{0.6, 0.4};  // of choosing each
  double eps_sec = 1e-10;
  double eps_cor = 1e-15;
  double qber_limit = 0.08;              // a block above it, in either basis, is dropped
  std::uint64_t block_bits = 1'000'000;  // sifted key-basis bits, at least, of a block
};

/// Who has made a block's keys, as accounts and `status` say it.
inline constexpr std::string_view distilled_source = "distilled";
inline constexpr std::string_view external_source = "external";

/// Of a block that was not distilled here.
struct ExternalKeys {
  std::uint64_t keys = 0;
  std::uint64_t key_bits = 0;  // of each
};

struct Account : Bounds {
  std::uint64_t block = 0;
  Parameters parameters;
  std::uint64_t detections = 0;          // reported by the receiver, of any basis
  BasisCounts key;                       // Z
  BasisCounts test;                      // X
  std::uint64_t parity_bits = 0;         // disclosed by reconciliation
  std::uint64_t verification_bits = 0;   // disclosed by verification
  std::uint64_t error_pattern_bits = 0;  // disclosed by what the corrector asks, where the bound does not cover it
  bool key_errors_known = false;         // key.m is counted: the two blocks were equal in the end
  /// Others have made the keys: nothing was observed here, there is no bound, and what they are worth is their word.
  std::optional<ExternalKeys> external;

  [[nodiscard]] std::uint64_t leakage_bits() const { return parity_bits + verification_bits + error_pattern_bits; }
  [[nodiscard]] double key_qber() const { return key.error_rate(); }
  [[nodiscard]] double test_qber() const { return test.error_rate(); }
  /// f: disclosed parities per what Shannon requires, n h(QBER); nothing where that is unknown or 0.
  [[nodiscard]] std::optional<double> efficiency() const;
  [[nodiscard]] Observation observation() const;
};

/// Fills in the charge for the error pattern, all bounds and the length. Counts that cannot be (more errors than
/// detections) give length 0.
[[nodiscard]] Account with_secret_length(Account account);

}  // namespace cloister::distill
