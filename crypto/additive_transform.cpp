#include "crypto/additive_transform.hpp"

#include <algorithm>
#include <bit>

#include "crypto/error.hpp"

namespace cloister::crypto {
namespace {

/// So many points, 32 KiB, stay in the first cache while all their levels are done.
constexpr std::size_t cached_points = 4096;

/// Half of log_terms, rounded up to a power of two: s_e(x) = x^(2^e) + x for e = 1, 2, 4, 8.
constexpr unsigned split_of(unsigned log_terms) { return std::bit_floor(log_terms - 1); }

/// Adds ranges whose length the compiler does not know.
struct AddByKernel {
  const Gf64Kernel& kernel;
  void operator()(std::uint64_t* to, const std::uint64_t* from, std::size_t count) const {
    kernel.add(to, from, count);
  }
};

/// Adds the short ranges at the bottom, where a call would cost more than the additions.
struct AddInPlace {
  void operator()(std::uint64_t* to, const std::uint64_t* from, std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i) to[i] ^= from[i];
  }
};

/// One division of each block of 2^(e+j+1) terms by s_e^(2^j) = x^(2^(e+j)) + x^(2^j), or its undoing.
template <bool Forward, class Add>
void divide(std::uint64_t* data, unsigned log_terms, unsigned e, unsigned j, std::size_t unit, Add add) {
  const std::size_t size = unit << (e + j);
  const std::size_t shift = unit << j;
  for (std::uint64_t* block = data; block < data + (unit << log_terms); block += 2 * size) {
    if constexpr (Forward) add(block + size, block + 2 * size - shift, shift);
    add(block + shift, block + size, size - shift);
    if constexpr (!Forward) add(block + size, block + 2 * size - shift, shift);
  }
}

/// Between the monomials and the products of s_i that the transform works in (Gao and Mateer 2010; Bernstein and Chou
/// 2014): f is written in powers of s_e, then so is each part. A coefficient is a row of `unit` elements; only
/// additions. The size is a template's, so that short loops unroll.
template <bool Forward, unsigned log_terms, std::size_t unit, class Add>
void change_basis(std::uint64_t* data, Add add) {
  if constexpr (log_terms > 1) {
    constexpr unsigned e = split_of(log_terms);
    const auto parts = [&] {
      change_basis<Forward, log_terms - e, (unit << e)>(data, add);
      for (std::size_t row = 0; row < std::size_t{1} << (log_terms - e); ++row) {
        if constexpr (unit == 1)
          change_basis<Forward, e, unit>(data + row * (unit << e), AddInPlace{});
        else
          change_basis<Forward, e, unit>(data + row * (unit << e), add);
      }
    };
    if constexpr (!Forward) parts();
    for (unsigned step = 0; step < log_terms - e; ++step)
      divide<Forward>(data, log_terms, e, Forward ? log_terms - e - 1 - step : step, unit, add);
    if constexpr (Forward) parts();
  }
}

template <bool Forward>
void change_basis(std::uint64_t* data, unsigned log_points, const Gf64Kernel& kernel) {
  switch (log_points) {
    case 8:
      return change_basis<Forward, 8, 1>(data, AddInPlace{});
    case 12:
      return change_basis<Forward, 12, 1>(data, AddByKernel{kernel});
    default:
      return change_basis<Forward, 16, 1>(data, AddByKernel{kernel});
  }
}

}  // namespace

AdditiveTransform::AdditiveTransform(unsigned log_points, const Gf64Kernel& kernel)
    : log_points_{log_points}, kernel_{kernel}, twiddles_(points() / 2) {
  require(log_points == 8 || log_points == 12 || log_points == 16, "a transform has 2^8, 2^12 or 2^16 points");
  const auto& basis = gf64_cantor_basis();
  for (std::size_t c = 1; c < twiddles_.size(); ++c)
    twiddles_[c] = twiddles_[c & (c - 1)] ^ basis[static_cast<std::size_t>(std::countr_zero(c)) + 1];
}

void AdditiveTransform::forward(std::span<std::uint64_t> data) const {
  require(data.size() == points(), "a transform takes as many coefficients as it has points");
  change_basis<true>(data.data(), log_points_, kernel_);
  std::size_t half = points() / 2;
  for (; half >= cached_points; half /= 2) kernel_.forward(data.data(), points(), half, twiddles_.data());
  for (std::size_t at = 0; at < points(); at += 2 * half) {
    for (std::size_t h = half; h > 0; h /= 2)
      kernel_.forward(data.data() + at, 2 * half, h, twiddles_.data() + at / (2 * h));
  }
}

void AdditiveTransform::inverse(std::span<std::uint64_t> data) const {
  require(data.size() == points(), "a transform gives as many coefficients as it has points");
  const std::size_t part = std::min(points(), cached_points);
  for (std::size_t at = 0; at < points(); at += part) {
    for (std::size_t h = 1; h < part; h *= 2)
      kernel_.inverse(data.data() + at, part, h, twiddles_.data() + at / (2 * h));
  }
  for (std::size_t half = part; half < points(); half *= 2)
    kernel_.inverse(data.data(), points(), half, twiddles_.data());
  change_basis<false>(data.data(), log_points_, kernel_);
}

}  // namespace cloister::crypto
