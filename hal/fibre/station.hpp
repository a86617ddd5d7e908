#pragma once
/// Where the two ends of the fibre meet: who is there, whether they agree, and the light between them in real time.
///
///   connect ─▶ hello (─▶ light) ─▶ ready ──both ready and agreed──▶ epoch runs ──either leaves──▶ the other is ready
///   again
///                                        └─ disagree ─▶ both refused
///
/// An end on a device that outlives it says `resume` first, and is then as if it had just connected.
///
/// Frames are 10 ms of slots. The transmitter hears first how far it has sent, and hears it ten frames early: light
/// that has been detected must have been sent, in whatever order the two boxes get to read. A receiver that reads too
/// slowly loses whole frames and is told how many clicks they held. When the process itself is too slow, time slips:
/// slots stay whole and come later.

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hal/fibre/link.hpp"
#include "hal/simulator/connection.hpp"
#include "hal/simulator/local_socket.hpp"
#include "hal/simulator/protocol.hpp"

namespace cloister::hal::fibre {

using Instant = std::chrono::steady_clock::time_point;

/// Everything `status` shows; counts are since the epoch began.
struct StationStatus {
  bool transmitter = false;
  bool receiver = false;
  std::optional<Epoch> epoch;  ///< Only while it runs.
  double clock_hz = 0;
  std::uint64_t slots = 0;
  std::uint64_t detections = 0;
  double detections_per_second = 0;
  std::uint64_t double_clicks = 0;
  std::uint64_t known_to_eve = 0;  ///< Detections of whose bit she has a note.
  std::uint64_t lost_detections = 0;
  std::uint64_t lost_frames = 0;
  double slipped_seconds = 0;
  std::string last_event;  ///< For a person.
};

class Station {
 public:
  /// `parameters` have passed `check`. Epochs count up from `first_epoch`; the caller sees to it that a restarted
  /// process begins where no other has been.
  Station(const LinkParameters& parameters, std::uint64_t dice_seed, Epoch first_epoch);
  ~Station();

  void admit(simulator::FileDescriptor socket, Instant now);
  /// What to wait for.
  [[nodiscard]] std::vector<pollfd> descriptors() const;
  void on_ready(int descriptor, Instant now);
  /// Makes the frames that are due and drops ends that are overdue. To be called no later than `next_tick`.
  void tick(Instant now);
  [[nodiscard]] Instant next_tick(Instant now) const;

  void disturb(const Disturbance& disturbance);
  [[nodiscard]] const Disturbance& disturbance() const { return disturbance_; }
  [[nodiscard]] const LinkParameters& parameters() const { return parameters_; }
  [[nodiscard]] StationStatus status() const;

 private:
  struct End;
  struct Run;
  [[nodiscard]] End* ready(simulator::Role role) const;
  void receive(End& end, Instant now);
  [[nodiscard]] Result<> take(End& end, simulator::Message message, Instant now);
  void refuse(End& end, const std::string& reason, Instant now);
  void drop_finished(Instant now);
  void stop_run(const End& leaving);
  void start_run(Instant now);
  void make_frame(Run& run);

  LinkParameters parameters_;
  Disturbance disturbance_;
  bool weakened_ = false;  // the transmitter's randomness, once or still
  Xoshiro dice_;
  Epoch next_epoch_;
  std::vector<std::unique_ptr<End>> ends_;
  std::unique_ptr<Run> run_;
  std::string last_event_ = "waiting for both ends";
};

}  // namespace cloister::hal::fibre
