#pragma once
/// The kernels under the polynomial hash: a portable one, and two with carry-less multiplication, chosen once at
/// start.

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "crypto/gf128.hpp"

namespace cloister::crypto {

inline constexpr std::size_t gf128_powers = 32;

/// H, H^2, … H^32.
using Gf128Powers = std::array<Block128, gf128_powers>;

struct Gf128Kernel {
  const char* name;
  /// a · b in the GHASH field.
  Block128 (*multiply)(const Block128& a, const Block128& b);
  /// value = (…((value ⊕ b1)·H ⊕ b2)·H …)·H over the whole 16-byte blocks of `data`.
  void (*absorb)(Block128& value, const Gf128Powers& powers, std::span<const std::byte> data);
};

[[nodiscard]] const Gf128Kernel& gf128_portable();
/// Only where the processor has PCLMULQDQ and SSSE3.
[[nodiscard]] const Gf128Kernel& gf128_clmul();
[[nodiscard]] bool cpu_has_clmul();
/// Only where it has VPCLMULQDQ and AVX-512 besides.
[[nodiscard]] const Gf128Kernel& gf128_vclmul();
[[nodiscard]] bool cpu_has_vclmul();
/// All that this processor has, the fastest last.
[[nodiscard]] std::vector<const Gf128Kernel*> gf128_kernels();
/// The fastest.
[[nodiscard]] const Gf128Kernel& gf128_kernel();

}  // namespace cloister::crypto
