#pragma once
/// What the secret length of a block follows from: which bound, what was counted, what was disclosed, and the epsilons.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "crypto/error.hpp"

namespace cloister::distill {

/// lim2014: two decoys, Lim et al., PRA 89, 022307 (2014). rusca2018: one decoy, Rusca et al., APL 112, 171104 (2018).
/// wiesemann2024: one decoy, Wiesemann et al., arXiv 2405.16578.
enum class Bound : std::uint8_t { lim2014, rusca2018, wiesemann2024 };

[[nodiscard]] std::string_view to_string(Bound bound);
[[nodiscard]] std::optional<Bound> bound_named(std::string_view name);

inline constexpr std::size_t intensities_max = 3;
/// The signal and its decoys: how many intensities the bound's protocol sends.
[[nodiscard]] constexpr std::size_t intensity_count(Bound bound) { return bound == Bound::lim2014 ? 3 : 2; }

/// One value per intensity, the largest intensity first; what is beyond the protocol's count is zero.
using PerIntensity = std::array<double, intensities_max>;

/// Detections n and errors m by intensity, in one basis.
struct BasisCounts {
  std::array<std::uint64_t, intensities_max> n{};
  std::array<std::uint64_t, intensities_max> m{};
  bool operator==(const BasisCounts&) const = default;

  [[nodiscard]] std::uint64_t detections() const { return n[0] + n[1] + n[2]; }
  [[nodiscard]] std::uint64_t errors() const { return m[0] + m[1] + m[2]; }
  /// Errors among detections; 0 without any.
  [[nodiscard]] double error_rate() const;
};

struct Observation {
  Bound bound{};
  BasisCounts key;
  BasisCounts test;
  PerIntensity intensities{};    // mean photon numbers
  PerIntensity probabilities{};  // of choosing each
  double eps_sec = 0;
  double eps_cor = 0;
  double leakage_bits = 0;  // everything disclosed about the key
};

/// Refuses what no link can have shown, with the reason.
[[nodiscard]] Result<> check(const Observation& observation);

}  // namespace cloister::distill
