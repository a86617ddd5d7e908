#include "appliance/distill/link_plan.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "appliance/distill/binary_entropy.hpp"

namespace cloister::distill {
namespace {

struct Response {
  double gain = 0;
  double errors = 0;  // clicks with the wrong bit; of double clicks one half
};

/// One pulse of mean photon number `mean` at the receiver, in its own basis.
Response respond(const LinkPhysics& physics, double mean) {
  Response both_bits;
  for (const bool bit : {false, true}) {
    const double right_efficiency = bit ? physics.efficiency_ratio : 1;
    const double wrong_efficiency = bit ? 1 : physics.efficiency_ratio;
    const auto click = [&](double light) { return 1 - (1 - physics.dark_count_probability) * std::exp(-light); };
    const double right = click(mean * physics.efficiency * (1 - physics.misalignment) * right_efficiency);
    const double wrong = click(mean * physics.efficiency * physics.misalignment * wrong_efficiency);
    both_bits.gain += (right + wrong - right * wrong) / 2;
    both_bits.errors += (wrong * (1 - right) + right * wrong / 2) / 2;
  }
  return both_bits;
}

/// Parities that Cascade tells, over n h(q), as `bench-distill` measures it (docs/distillation.md).
double reconciliation_efficiency(double qber) {
  struct Point {
    double qber, efficiency;
  };
  constexpr auto measured =
      std::to_array<Point>({{0.005, 1.055}, {0.01, 1.049}, {0.02, 1.049}, {0.03, 1.054}, {0.05, 1.068}});
  if (qber <= measured.front().qber) return measured.front().efficiency;
  for (std::size_t i = 1; i < measured.size(); ++i) {
    const auto& [q, f] = measured[i];
    const auto& [q_below, f_below] = measured[i - 1];
    if (qber < q) return f_below + (f - f_below) * (qber - q_below) / (q - q_below);
  }
  return measured.back().efficiency;
}

/// R, where light and darkness alone would give `light` to live detectors. In the part 1 - R d of the time they are live;
/// what a click's carrier sets off counts if it comes after the dead time of that click and not in another's:
///
///   R = (1 - R d) (light + s R),   s = p e^(-d/τ)
double clicks_per_slot(const LinkPhysics& physics, double light) {
  const double dead = physics.dead_slots;
  const double survives = physics.after_pulse * std::exp(-dead / physics.after_pulse_lifetime_slots);
  const double linear = 1 - survives + dead * light;
  return 2 * light / (linear + std::sqrt(linear * linear + 4 * survives * dead * light));
}

std::uint64_t whole(double count) { return static_cast<std::uint64_t>(std::llround(count)); }

}  // namespace

LinkPlan plan_link(const LinkPhysics& physics, const Parameters& parameters) {
  LinkPlan plan;
  std::array<Response, intensities_max> responses{};
  double light = 0;  // clicks per slot in which the detectors are live
  const std::size_t intensities = intensity_count(parameters.bound);
  for (std::size_t k = 0; k < intensities; ++k) {
    responses[k] = respond(physics, physics.transmittance * parameters.intensities[k]);
    light += parameters.probabilities[k] * responses[k].gain;
  }
  const double clicks = clicks_per_slot(physics, light);
  plan.live = 1 - clicks * physics.dead_slots;
  const double after_pulses = clicks - plan.live * light;
  plan.clicks_per_second = clicks * physics.clock_hz;

  const double both_z = physics.z_probability * physics.z_probability;
  const double both_x = (1 - physics.z_probability) * (1 - physics.z_probability);
  for (std::size_t k = 0; k < intensities; ++k) {
    plan.gain[k] = responses[k].gain * plan.live + after_pulses;
    const double errors = responses[k].errors * plan.live + after_pulses / 2;
    plan.error[k] = plan.gain[k] > 0 ? errors / plan.gain[k] : 0;
  }
  plan.sifted_bits_per_second = plan.clicks_per_second * both_z;

  Account account;
  account.parameters = parameters;
  if (clicks <= 0) return plan;
  const auto block_bits = static_cast<double>(parameters.block_bits);
  double errors = 0;
  for (std::size_t k = 0; k < intensities; ++k) {
    const double key = block_bits * parameters.probabilities[k] * plan.gain[k] / clicks;
    const double test = key * both_x / both_z;
    account.key.n[k] = whole(key);
    account.key.m[k] = std::min(account.key.n[k], whole(key * plan.error[k]));
    account.test.n[k] = whole(test);
    account.test.m[k] = std::min(account.test.n[k], whole(test * plan.error[k]));
    errors += key * plan.error[k];
  }
  const double qber = errors / block_bits;
  account.parity_bits = whole(block_bits * binary_entropy(qber) * reconciliation_efficiency(qber));
  account.verification_bits = 128;
  plan.account = with_secret_length(account);
  if (std::max(plan.account.key_qber(), plan.account.test_qber()) > parameters.qber_limit)
    plan.account.length_bits = 0;  // the running link drops such a block
  plan.block_seconds = block_bits / plan.sifted_bits_per_second;
  plan.secret_bits_per_second = static_cast<double>(plan.account.length_bits) / plan.block_seconds;
  return plan;
}

}  // namespace cloister::distill
