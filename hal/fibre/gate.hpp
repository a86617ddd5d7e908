#pragma once
/// Gated detectors: when a photon arrives decides how likely it is seen, not alike for both detectors, and timing jitter blurs it.
///
///   η_b(t) = e^(-(t - c_b)^2 / 2w^2),   c_0 = -d/2, c_1 = d/2;   photon at t ~ N(a, j)
///   seen of light at a:  w / s · e^(-(a - c_b)^2 / 2s^2),   s^2 = w^2 + j^2
///   seen at:             N((a w^2 + c_b j^2) / s^2, w^2 j^2 / s^2);   dark counts: N(c_b, w)
///
/// Two gates apart by d are the efficiency mismatch of Makarov, Anisimov and Skaar, PRA 74, 022313 (2006), and of Qi, Fung, Lo and Ma, Quant.
/// Inf. Comp. 7, 73 (2007), with Gaussian gates for their measured ones. Without a gate (w = 0) all light is seen, when it comes.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>

#include "hal/fibre/normal.hpp"
#include "hal/fibre/xoshiro.hpp"
#include "hal/readings.hpp"

namespace cloister::hal::fibre {

/// A Gaussian time, in seconds from the middle of the two gates.
struct ArrivalTime {
  double mean = 0;
  double deviation = 0;

  double draw(Xoshiro& dice) const { return deviation > 0 ? mean + deviation * normal(dice) : mean; }
  /// The probability of a time before this one.
  double before(double seconds) const {
    if (deviation <= 0) return seconds > mean ? 1 : 0;
    return 0.5 * std::erfc((mean - seconds) / (deviation * std::numbers::sqrt2));
  }
};

struct Gate {
  double width_seconds = 0;   ///< Standard deviation of a gate; 0: none.
  double apart_seconds = 0;   ///< Detector 1's gate is that much later than detector 0's.
  double jitter_seconds = 0;  ///< Standard deviation of when light that comes at one time is seen.

  [[nodiscard]] double centre(std::uint8_t bit) const { return (bit == 0 ? -0.5 : 0.5) * apart_seconds; }

  /// Of light that comes at `arrival`, the part that the detector of this bit sees, before its efficiency.
  [[nodiscard]] double seen(std::uint8_t bit, double arrival) const {
    if (width_seconds <= 0) return 1;
    const double variance = width_seconds * width_seconds + jitter_seconds * jitter_seconds;
    const double off = arrival - centre(bit);
    return width_seconds / std::sqrt(variance) * std::exp(-off * off / (2 * variance));
  }
  /// When light that comes at `arrival` is seen, given that it is.
  [[nodiscard]] ArrivalTime seen_at(std::uint8_t bit, double arrival) const {
    if (width_seconds <= 0) return {.mean = arrival, .deviation = jitter_seconds};
    const double gate = width_seconds * width_seconds;
    const double jitter = jitter_seconds * jitter_seconds;
    return {.mean = (arrival * gate + centre(bit) * jitter) / (gate + jitter),
            .deviation = std::sqrt(gate * jitter / (gate + jitter))};
  }
  /// When what is no light clicks.
  [[nodiscard]] ArrivalTime dark_at(std::uint8_t bit) const {
    return {.mean = centre(bit), .deviation = width_seconds};
  }

  /// Half of the time that the histogram spans.
  [[nodiscard]] double reach() const {
    constexpr double least_seconds = 1e-10;
    return std::max(least_seconds, 4 * (width_seconds > 0 ? width_seconds : jitter_seconds) + apart_seconds / 2);
  }
  [[nodiscard]] std::size_t bin_of(double seconds) const {
    const double place = (seconds / reach() + 1) / 2 * arrival_bins;
    return static_cast<std::size_t>(std::clamp(std::floor(place), 0.0, arrival_bins - 1.0));
  }
  /// How much of this time falls into each bin.
  [[nodiscard]] Arrivals::Shares shares(const ArrivalTime& time) const {
    Arrivals::Shares shares{};
    double before = 0;
    for (std::size_t bin = 0; bin < arrival_bins; ++bin) {
      const double edge = (2.0 * static_cast<double>(bin + 1) / arrival_bins - 1) * reach();
      const double upto = bin + 1 == arrival_bins ? 1 : time.before(edge);
      shares[bin] = upto - before;
      before = upto;
    }
    return shares;
  }
};

}  // namespace cloister::hal::fibre
