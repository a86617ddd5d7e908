#pragma once
/// The account of a block: everything from which its secret length follows, so that anyone can recompute it from the
/// log.

#include <array>
#include <cstdint>
#include <string>

namespace cloister::distill {

/// One decoy state (Rusca et al., APL 112, 171104 (2018)): index 0 is the signal, index 1 the decoy.
inline constexpr std::size_t intensity_count = 2;

/// What both boxes must agree on; the session compares it at its start.
struct Parameters {
  std::array<double, intensity_count> intensities{0.5, 0.15};   // mean photon numbers, descending
  std::array<double, intensity_count> probabilities{0.6, 0.4};  // of choosing each
  double eps_sec = 1e-10;
  double eps_cor = 1e-15;
  double qber_limit = 0.08;              // a block above it, in either basis, is dropped
  std::uint64_t block_bits = 1'000'000;  // sifted key-basis bits, at least, of a block
};

/// Detections and errors by intensity, in one basis.
struct BasisCounts {
  std::array<std::uint64_t, intensity_count> n{};
  std::array<std::uint64_t, intensity_count> m{};
};

struct Account {
  std::uint64_t block = 0;
  Parameters parameters;
  BasisCounts key;                      // Z
  BasisCounts test;                     // X
  std::uint64_t parity_bits = 0;        // disclosed by reconciliation
  std::uint64_t verification_bits = 0;  // disclosed by verification
  double s_key_0 = 0;                   // lower bounds, detections from 0- and 1-photon pulses
  double s_key_1 = 0;
  double s_test_1 = 0;
  double v_test_1 = 0;  // upper bound, 1-photon errors in the test basis
  double phase_error = 0.5;
  double penalty_bits = 0;  // all that is subtracted but leakage
  std::uint64_t length_bits = 0;

  [[nodiscard]] std::uint64_t leakage_bits() const { return parity_bits + verification_bits; }
  [[nodiscard]] double key_qber() const;
  [[nodiscard]] double test_qber() const;
  /// One line of JSON, numbers with 17 significant digits.
  [[nodiscard]] std::string to_json() const;
};

}  // namespace cloister::distill
