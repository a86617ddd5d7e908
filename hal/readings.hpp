#pragma once
/// What a device's own meters show beside the clicks: signs of light that is not the link's, which no error rate shows. No behaviour,
/// no memory of its own; nothing here is secret, as the clicks are counted over many slots.
///
/// Each meter says with its value how uncertain that is, and what it shows, by its calibration, when nobody touches the device.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "hal/frame.hpp"

namespace cloister::hal {

/// Which meters a device has. One that is said to be there and is silent is an alarm.
struct Meters {
  bool photocurrent = false;    ///< Receiver.
  bool arrivals = false;        ///< Receiver.
  bool dimmed_gates = false;    ///< Receiver.
  bool output_power = false;    ///< Transmitter.
  bool returned_light = false;  ///< Transmitter.
};

/// The deviation is of Gaussian noise, of one standard deviation.
struct Measured {
  double value = 0;
  double deviation = 0;
};

/// The mean current through the detectors, all together.
struct Photocurrent {
  Measured amperes{};
  double dark_amperes = 0;        ///< Calibrated: without a click.
  double coulombs_per_click = 0;  ///< Calibrated: of one avalanche.
};

inline constexpr std::size_t arrival_bins = 64;

/// When the clicks came within their gates: the gate's time in bins of equal width, what is outside in the first or the last.
struct Arrivals {
  using Counts = std::array<std::uint32_t, arrival_bins>;
  using Shares = std::array<double, arrival_bins>;
  std::array<Counts, 2> clicks{};    ///< Of the detectors of bit 0 and of bit 1.
  std::array<Shares, 2> expected{};  ///< Calibrated: how the clicks of each share themselves out.
};

/// Clicks of gates that the device drew at random to halve their efficiency, and of the others.
struct DimmedGates {
  std::uint64_t dimmed_clicks = 0;
  std::uint64_t other_clicks = 0;
  double share = 0;  ///< Of the gates.
};

/// Of the slots [first, first + slots) of an epoch.
struct ReceiverReadings {
  Epoch epoch = 0;
  Slot first = 0;
  std::uint64_t slots = 0;
  std::uint64_t clicks = 0;  ///< In these slots, as the meters' electronics count them.
  std::optional<Photocurrent> photocurrent{};
  std::optional<Arrivals> arrivals{};
  std::optional<DimmedGates> dimmed_gates{};
};

/// Light that comes out of the fibre into the transmitter.
struct ReturnedLight {
  Measured watts{};
  /// Calibrated, by the optics' isolation: with more, the settings' light that leaves again may be more than the device's proof allows.
  double watts_max = 0;
};

/// Of the slots [first, first + slots) of an epoch.
struct TransmitterReadings {
  Epoch epoch = 0;
  Slot first = 0;
  std::uint64_t slots = 0;
  std::optional<Measured> output_power{};  ///< At a tap before the fibre, over what it is calibrated to: 1.
  std::optional<ReturnedLight> returned_light{};
};

}  // namespace cloister::hal
