#pragma once
/// The names by which receivers know SAs.

#include <array>
#include <cstddef>

#include "appliance/vpn/big_endian.hpp"
#include "appliance/vpn/esp.hpp"
#include "crypto/random.hpp"

namespace cloister::vpn {

/// Any of those that an SA may have (RFC 4303, 2.1).
[[nodiscard]] inline Spi random_spi(crypto::Random& random) {
  for (;;) {
    std::array<std::byte, 4> bytes{};
    random.fill(bytes);
    if (const Spi spi{load_u32(bytes)}; spi.value >= 256) return spi;
  }
}

}  // namespace cloister::vpn
