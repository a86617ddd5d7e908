#pragma once
/// What the service asks of quantum hardware: a transmitter (Alice) that remembers what it sent, a receiver (Bob) that
/// reports clicks.
///
///   start() ──▶ descriptor() readable ──▶ on_readable() ──▶ next_frame() until it is empty      receiver
///                                                       ──▶ symbols(), release()                transmitter
///
/// A device object is owned and called by one thread, that of the link's distillery. It never blocks, has no thread and no
/// clock: the owner waits until `descriptor()` is readable and calls `on_readable()`. An error from any call but
/// `symbols` ends the device: the owner drops the object and, after a back-off, opens a new one, which starts a new
/// epoch. Slots are synchronised below this interface.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crypto/error.hpp"
#include "hal/frame.hpp"
#include "hal/readings.hpp"

namespace cloister::hal {

/// What the hardware is; constant from its first light on. Before that its meters may not be known.
struct Capabilities {
  double clock_hz = 0;              ///< Slots per second.
  std::string protocol;             ///< "bb84-decoy-1", "-2": efficient BB84 with one or two decoy intensities.
  std::vector<double> intensities;  ///< Mean photon numbers per pulse, the brightest first.
  std::vector<double> intensity_probabilities;  ///< How often each is sent; they add up to one.
  double z_probability = 0;                     ///< How often this end chooses the key basis.
  Meters meters{};                              ///< What this end's device watches itself with.
};

/// How the hardware is doing: counts since the device was opened, for the operator; nothing here is secret.
struct Telemetry {
  double clicks_per_second = 0;     ///< Over about the last second of slots; 0 at a transmitter.
  std::uint64_t detections = 0;     ///< All clicks reported; 0 at a transmitter.
  std::uint64_t double_clicks = 0;  ///< Those of them in which both detectors of a basis clicked.
  std::uint64_t lost_detections =
      0;                    ///< Clicks that were dropped, whole frames at a time, because the box read too slowly.
  std::uint64_t slots = 0;  ///< Slots sent, or watched, in the current epoch.
  Epoch epoch = 0;          ///< The current or, between two, the last; 0 before the first.
  bool running = false;     ///< Light flows.
  std::string state;        ///< For a person: "running", or what the device waits for.
};

class Device {
 public:
  Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  virtual ~Device() = default;

  /// Asks for light; once, before anything else.
  [[nodiscard]] virtual Result<> start() = 0;
  /// Readable when `on_readable` has work; valid as long as the object, level triggered, not to be closed.
  [[nodiscard]] virtual int descriptor() const = 0;
  /// Takes a bounded amount of what has arrived.
  [[nodiscard]] virtual Result<> on_readable() = 0;
  [[nodiscard]] virtual Capabilities capabilities() const = 0;
  [[nodiscard]] virtual Telemetry telemetry() const = 0;
};

class Transmitter : public Device, public SymbolSource {
 public:
  /// The next of what its meters have shown, the oldest first, to be asked after each `on_readable` until there is nothing; what is not asked
  /// for in a second is lost.
  [[nodiscard]] virtual std::optional<TransmitterReadings> take_readings() { return std::nullopt; }
};

class Receiver : public Device {
 public:
  /// The next run of watched slots, or nothing for now. To be called after each `on_readable` until it gives nothing:
  /// what is not taken fills the buffers below until detections are lost. Within an epoch frames ascend and do not
  /// overlap; between two frames slots may be missing, which nobody watched. A frame of a new epoch begins again at
  /// slot 0 or later.
  [[nodiscard]] virtual Result<std::optional<DetectionFrame>> next_frame() = 0;
  /// What its meters have shown of the frame that `next_frame` gave last, to be asked after each; nothing: they say nothing of it.
  [[nodiscard]] virtual std::optional<ReceiverReadings> take_readings() { return std::nullopt; }
};

}  // namespace cloister::hal
