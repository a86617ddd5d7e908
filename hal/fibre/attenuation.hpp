#pragma once
/// Loss in the glass: t = 10^(-α l / 10), α in dB/km. Ma, Qi, Zhao and Lo, PRA 72, 012326 (2005), eq. (5).

#include <cmath>

namespace cloister::hal::fibre {

inline double transmittance(double length_km, double attenuation_db_per_km) {
  return std::pow(10, -length_km * attenuation_db_per_km / 10);
}

}  // namespace cloister::hal::fibre
