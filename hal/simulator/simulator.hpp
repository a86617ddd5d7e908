#pragma once
/// The simulated device: a box's end of a simulated fibre, whose other end and whose light are in the process
/// `cloister-fibre`.
///
///   box A: transmitter ──seed──▶ cloister-fibre ──detections──▶ receiver: box B
///                      ◀─progress─      │
///                                 loss, noise, Eve
///
/// The transmitter keeps 32 bytes instead of its symbols; the receiver's basis choice is passive (a beam splitter) and
/// so happens in the fibre process. Neither box learns anything about the other through it but what light carries.

#include <array>
#include <memory>
#include <string>

#include "crypto/error.hpp"
#include "crypto/random.hpp"
#include "hal/device.hpp"
#include "hal/simulator/source_settings.hpp"

namespace cloister::hal::simulator {

struct SimulatorConfig {
  std::string socket_path;  // or a character device behind which there is such a socket
  double clock_hz = 1e9;
  double z_probability = 0.9;
  std::array<double, 3> intensities{0.5, 0.1};
  std::array<double, 3> probabilities{0.7, 0.3};  // the last 0: no second decoy
};

/// Connects to the fibre. The source's seed is drawn from `random` here, anew for each transmitter.
[[nodiscard]] Result<std::unique_ptr<Transmitter>> open_transmitter(const SimulatorConfig& config,
                                                                    crypto::Random& random);
[[nodiscard]] Result<std::unique_ptr<Receiver>> open_receiver(const SimulatorConfig& config);

}  // namespace cloister::hal::simulator
