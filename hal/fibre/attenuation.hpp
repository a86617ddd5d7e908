#pragma once
/// Loss in the glass, α dB/km, and at its connectors and filters, b dB: t = 10^(-(α l + b) / 10). Ma, Qi, Zhao and Lo,
/// PRA 72, 012326 (2005), eq. (5); losses in a row add up in dB.

#include <cmath>

namespace cloister::hal::fibre {

inline double transmittance(double length_km, double attenuation_db_per_km, double insertion_loss_db) {
  return std::pow(10, -(length_km * attenuation_db_per_km + insertion_loss_db) / 10);
}

}  // namespace cloister::hal::fibre
