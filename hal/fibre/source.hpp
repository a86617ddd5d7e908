#pragma once
/// A phase-randomised weak coherent source: a pulse of mean μ has n photons with probability e^-μ μ^n / n!, and behind
/// a transmittance η it is one of mean ημ. Ma, Qi, Zhao and Lo, PRA 72, 012326 (2005), eq. (1).

#include <cmath>

namespace cloister::hal::fibre {

/// The probability of at least one photon in a pulse of mean `mean_photons`.
inline double photon_probability(double mean_photons) { return -std::expm1(-mean_photons); }

}  // namespace cloister::hal::fibre
