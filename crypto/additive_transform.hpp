#pragma once
/// The additive Fourier transform of Lin, Chung and Han (FOCS 2014) over GF(2^64) in Cantor's basis: the values of a
/// polynomial at all 2^k sums of the first k basis elements.
///
/// Products of spectra are products of polynomials modulo s_k(y), which vanishes at those points. With Cantor's basis
/// s_k has few terms: s_8 = y^256 + y, s_12 = y^4096 + y^256 + y^16 + y, s_16 = y^65536 + y. A product that is longer
/// wraps round into its lowest terms, nearly as it does modulo y^n - 1.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "crypto/gf64.hpp"

namespace cloister::crypto {

class AdditiveTransform {
 public:
  /// `log_points` is 8, 12 or 16.
  AdditiveTransform(unsigned log_points, const Gf64Kernel& kernel);

  [[nodiscard]] std::size_t points() const { return std::size_t{1} << log_points_; }
  /// The highest power below the first in s_k: term i ≥ points() of a product comes back at most at i - points() + this.
  [[nodiscard]] std::size_t wrap_terms() const { return log_points_ == 12 ? 256 : 1; }

  /// Coefficients to values, in place, and back.
  void forward(std::span<std::uint64_t> data) const;
  void inverse(std::span<std::uint64_t> data) const;

 private:
  unsigned log_points_;
  const Gf64Kernel& kernel_;
  std::vector<std::uint64_t> twiddles_;  // of block c at every level: Σ β_(j+1) over the bits j of c
};

}  // namespace cloister::crypto
