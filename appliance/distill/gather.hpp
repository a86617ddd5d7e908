#pragma once
/// Of a bit string the bits that a mask names, side by side: what sifting does to detections.
///
/// The mask is public, the bits may be secret: no branch and no index depends on them.

#include <cstdint>
#include <span>

#include "appliance/distill/bit_string.hpp"
#include "crypto/bits.hpp"

namespace cloister::distill {

/// Writes the bits of `bits` under the ones of `mask` to the front of `out`, which has room for them, and returns how
/// many.
using GatherKernel = std::size_t (*)(std::span<const std::uint64_t> bits, std::span<const std::uint64_t> mask,
                                     std::span<std::uint64_t> out);
[[nodiscard]] GatherKernel gather_portable();
/// Only where the processor has BMI2 (PEXT).
[[nodiscard]] GatherKernel gather_bmi2();
[[nodiscard]] bool cpu_has_bmi2();

[[nodiscard]] BitString gather(const BitString& bits, const BitString& mask);
[[nodiscard]] crypto::SecretBits gather(const crypto::SecretBits& bits, const BitString& mask);
/// The other way: the first bits of `bits` go where `mask` has ones, in order.
[[nodiscard]] BitString scatter(const BitString& bits, const BitString& mask);

}  // namespace cloister::distill
