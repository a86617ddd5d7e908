#pragma once
/// What a link will bring, before there is one: the block that its physics makes one expect, given to the same account
/// that a running link's blocks are given to.
///
///   physics ─▶ gain, error of each intensity ─▶ counts of a block ─▶ account ─▶ secret bits, and how long it fills
///
/// The closed forms are those of Ma, Qi, Zhao and Lo, PRA 72, 012326 (2005), eq. (8)-(11), for two threshold detectors
/// whose double clicks get a random bit; with dead time after Rogers et al., New J. Phys. 9, 319 (2007), and after-pulses
/// as clicks that know nothing of the pulse in their slot. Means only: a block's own counts scatter around them.

#include <cstdint>

#include "appliance/distill/account.hpp"

namespace cloister::distill {

struct LinkPhysics {
  double clock_hz = 1e9;
  double z_probability = 0.7;  // of either end
  double transmittance = 1;    // from the transmitter's output to the receiver's input
  double efficiency = 0.1;
  double efficiency_ratio = 1;  // of the detectors of bit 1 to those of bit 0
  double dark_count_probability = 0;
  double misalignment = 0;
  double dead_slots = 0;   // all detectors off after a click
  double after_pulse = 0;  // probability that a click is followed by one
  double after_pulse_lifetime_slots = 1000;
};

struct LinkPlan {
  PerIntensity gain{};   // clicks per pulse sent, of light and darkness, as the receiver reports them
  PerIntensity error{};  // of them, in the pulse's own basis
  double live = 1;       // part of the time in which the detectors are not dead
  double clicks_per_second = 0;
  double sifted_bits_per_second = 0;  // of the key basis
  double block_seconds = 0;           // in which a block fills
  Account account;                    // of the expected block
  double secret_bits_per_second = 0;
};

/// `parameters.block_bits` sifted bits make the block.
[[nodiscard]] LinkPlan plan_link(const LinkPhysics& physics, const Parameters& parameters);

/// So large a block that hardly anything of the finite-key deviations is left: what the bound would give without end.
inline constexpr std::uint64_t endless_block_bits = 1'000'000'000'000'000;

}  // namespace cloister::distill
