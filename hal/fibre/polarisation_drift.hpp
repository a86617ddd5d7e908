#pragma once
/// The fibre turns the polarisation, and a controller turns it back, never quite: the angle θ between what is sent and what
/// is measured goes its own way about zero, as an Ornstein-Uhlenbeck process of deviation σ and time constant τ.
///
///   θ(t + s) = θ(t) e^(-s/τ) + σ sqrt(1 - e^(-2s/τ)) N(0, 1)        exact for any step: Gillespie, PRE 54, 2084 (1996)
///   e(θ) = e (1 - sin²θ) + (1 - e) sin²θ,   on average e + (1 - 2e) (1 - e^(-2σ²)) / 2
///
/// Drifts of installed fibres: Ding, Chen, Chen, Wang, Zhou, He, Yin, Guo and Han, Opt. Express 25, 27923 (2017). One angle stands for
/// both bases; a turn of the ellipticity alone is not modelled.

#include <cmath>

#include "hal/fibre/normal.hpp"
#include "hal/fibre/xoshiro.hpp"

namespace cloister::hal::fibre {

class PolarisationDrift {
 public:
  PolarisationDrift(double deviation_radians, double time_constant_seconds)
      : deviation_{deviation_radians}, time_constant_seconds_{time_constant_seconds} {}

  [[nodiscard]] bool drifts() const { return deviation_ > 0; }
  /// The angle after so long.
  void go_on(double seconds, Xoshiro& dice) {
    const double kept = std::exp(-seconds / time_constant_seconds_);
    angle_ = angle_ * kept + deviation_ * std::sqrt(1 - kept * kept) * normal(dice);
  }
  /// The part of the light that reaches the wrong detector, of a receiver that without drift has this one.
  [[nodiscard]] double misalignment(double without) const {
    const double turned = std::sin(angle_) * std::sin(angle_);
    return without * (1 - turned) + (1 - without) * turned;
  }

 private:
  double deviation_;
  double time_constant_seconds_;
  double angle_ = 0;
};

}  // namespace cloister::hal::fibre
