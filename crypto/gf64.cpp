#include "crypto/gf64.hpp"

#include <bit>

#include "crypto/error.hpp"

namespace cloister::crypto {
namespace {

constexpr std::uint64_t polynomial = 0x1B;  // x^64 = x^4 + x^3 + x + 1

/// A y with y² + y = b. The map is linear over GF(2), and its kernel is {0, 1}: y_0 is left at 0.
std::uint64_t solve_artin_schreier(std::uint64_t b) {
  std::array<std::uint64_t, 64> rows{};      // of the map's matrix, reduced so that each has a pivot
  std::array<std::uint64_t, 64> combined{};  // which y made each row
  for (unsigned bit = 1; bit < 64; ++bit) {
    const std::uint64_t y = std::uint64_t{1} << bit;
    std::uint64_t image = gf64_multiply(y, y) ^ y;
    std::uint64_t made_of = y;
    while (image != 0) {
      const auto pivot = static_cast<std::size_t>(std::countr_zero(image));
      if (rows[pivot] == 0) {
        rows[pivot] = image;
        combined[pivot] = made_of;
        break;
      }
      image ^= rows[pivot];
      made_of ^= combined[pivot];
    }
  }
  std::uint64_t y = 0;
  while (b != 0) {
    const auto pivot = static_cast<std::size_t>(std::countr_zero(b));
    require(rows[pivot] != 0, "an element of trace 0 has a root");
    b ^= rows[pivot];
    y ^= combined[pivot];
  }
  return y;
}

void add_portable(std::uint64_t* to, const std::uint64_t* from, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] ^= from[i];
}

void forward_portable(std::uint64_t* data, std::size_t points, std::size_t half, const std::uint64_t* twiddles) {
  for (std::size_t block = 0; block < points / (2 * half); ++block) {
    std::uint64_t* lo = data + 2 * half * block;
    std::uint64_t* hi = lo + half;
    for (std::size_t i = 0; i < half; ++i) {
      lo[i] ^= gf64_multiply(hi[i], twiddles[block]);
      hi[i] ^= lo[i];
    }
  }
}

void inverse_portable(std::uint64_t* data, std::size_t points, std::size_t half, const std::uint64_t* twiddles) {
  for (std::size_t block = 0; block < points / (2 * half); ++block) {
    std::uint64_t* lo = data + 2 * half * block;
    std::uint64_t* hi = lo + half;
    for (std::size_t i = 0; i < half; ++i) {
      hi[i] ^= lo[i];
      lo[i] ^= gf64_multiply(hi[i], twiddles[block]);
    }
  }
}

void dot_portable(std::uint64_t* out, const std::uint64_t* const* a, const std::uint64_t* const* b, std::size_t terms,
                  std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t sum = 0;
    for (std::size_t k = 0; k < terms; ++k) sum ^= gf64_multiply(a[k][i], b[k][i]);
    out[i] = sum;
  }
}

}  // namespace

std::uint64_t gf64_multiply(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  for (unsigned bit = 0; bit < 64; ++bit) {
    product ^= a & (std::uint64_t{0} - ((b >> bit) & 1U));
    a = (a << 1U) ^ (polynomial & (std::uint64_t{0} - (a >> 63U)));
  }
  return product;
}

const std::array<std::uint64_t, 16>& gf64_cantor_basis() {
  static const auto basis = [] {
    std::array<std::uint64_t, 16> elements{1};
    for (std::size_t i = 1; i < elements.size(); ++i) elements[i] = solve_artin_schreier(elements[i - 1]);
    return elements;
  }();
  return basis;
}

const Gf64Kernel& gf64_portable() {
  static constexpr Gf64Kernel kernel{"portable", add_portable, forward_portable, inverse_portable, dot_portable};
  return kernel;
}

std::vector<const Gf64Kernel*> gf64_kernels() {
  std::vector<const Gf64Kernel*> kernels{&gf64_portable()};
  if (gf64_has_clmul()) kernels.push_back(&gf64_clmul());
  if (gf64_has_avx2_clmul()) kernels.push_back(&gf64_avx2_clmul());
  if (gf64_has_wide_clmul()) kernels.push_back(&gf64_wide_clmul());
  return kernels;
}

const Gf64Kernel& gf64_kernel() {
  static const Gf64Kernel& chosen = *gf64_kernels().back();
  return chosen;
}

}  // namespace cloister::crypto
