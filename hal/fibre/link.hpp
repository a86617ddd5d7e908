#pragma once
/// One epoch of light from a transmitter to a receiver: the effects in a row, evaluated only where a click can be.
///
///   skips ─▶ candidate slots ─▶ dead? ─▶ symbol ─▶ passive basis ─▶ Eve, loss, two detectors: one table ─▶ packed click, meters
///   after-pulses, each at its slot ────────────────────────────────────────────────────────────────────┘
///
/// The receiver's beam splitter sends the whole pulse to one basis with the set probability. (A real one splits the
/// light, so that both bases can click in one slot; at 1e-3 photons per slot that is one click in several thousand.)
/// Passive choice: Rarity, Owens and Tapster, J. Mod. Opt. 41, 2435 (1994). This is not a box: what is secret in a box
/// is physics here, in plain memory.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "crypto/error.hpp"
#include "hal/fibre/after_pulses.hpp"
#include "hal/fibre/dead_time.hpp"
#include "hal/fibre/detectors.hpp"
#include "hal/fibre/device_meters.hpp"
#include "hal/fibre/eavesdropper.hpp"
#include "hal/fibre/intensity_modulator.hpp"
#include "hal/fibre/link_parameters.hpp"
#include "hal/fibre/polarisation_drift.hpp"
#include "hal/fibre/thinning.hpp"
#include "hal/fibre/xoshiro.hpp"
#include "hal/frame.hpp"
#include "hal/simulator/source_settings.hpp"
#include "hal/simulator/symbols.hpp"

namespace cloister::hal::fibre {

/// Of a click that was reported: in which basis Eve knows which bit.
struct EveNote {
  Slot slot = 0;
  Carried knows;
  double bits = 1;  ///< How much of it; less than 1 where she may be wrong.
};

/// Of one run of slots.
struct ClickCounts {
  std::uint64_t double_clicks = 0;
  std::uint64_t overflowed = 0;    ///< Clicks beyond what a frame holds.
  std::uint64_t known_to_eve = 0;  ///< Clicks of whose bit she has a note.
};

class Link {
 public:
  Link(const LinkParameters& parameters, const simulator::SourceSettings& settings,
       simulator::SymbolGenerator generator, std::uint64_t dice_seed);

  /// `weak_from`: the slot from which the transmitter's randomness is as the disturbance says.
  void disturb(const Disturbance& disturbance, Slot weak_from = 0);
  /// Clicks of slots [first, first + slots) into `packed` (simulator::pack), replacing what was there. Runs ascend;
  /// `slots` is at most simulator::frame_slots_max.
  ClickCounts run(Epoch epoch, Slot first, std::uint64_t slots, std::vector<std::uint32_t>& packed);
  /// Eve's notes on the clicks of the last run.
  [[nodiscard]] std::span<const EveNote> eve_notes() const { return notes_; }
  /// What the devices' meters show of the last run; nothing while they are silent.
  [[nodiscard]] const std::optional<ReceiverReadings>& receiver_readings() const { return receiver_readings_; }
  [[nodiscard]] const std::optional<TransmitterReadings>& transmitter_readings() const { return transmitter_readings_; }

 private:
  /// What one run fills.
  struct Frame {
    Slot first = 0;
    std::vector<std::uint32_t>& packed;
    ClickCounts counts;
  };
  /// What one uniform number below `below` means, and not below that of the outcome before.
  struct Outcome {
    double below = 0;
    std::optional<std::uint8_t> bit;  // none: both detectors click
    std::optional<Carried> eve_knows;
    double eve_bits = 0;
    std::array<double, 2> dark_share{};
    std::array<ArrivalTime, 2> arrival{};  // of what is light
  };
  using Outcomes = std::vector<Outcome>;
  /// What decides of a slot's light.
  struct Pulse {
    Symbol symbol{};
    std::uint8_t intensity_before = 0;  // where the modulator remembers it
    Basis measured = Basis::z;
    bool dimmed = false;
  };
  [[nodiscard]] static std::size_t table_of(const Pulse& pulse) {
    const auto before = pulse.intensity_before + (pulse.dimmed ? 3UZ : 0UZ);
    return (((before * 3 + pulse.symbol.intensity) * 2UZ + static_cast<std::size_t>(pulse.symbol.basis)) * 2UZ +
            pulse.symbol.bit) *
               2UZ +
           static_cast<std::size_t>(pulse.measured);
  }
  static constexpr std::size_t tables = 2UZ * 3 * 3 * 2 * 2 * 2;
  [[nodiscard]] QuietLink quiet_link() const;
  void tabulate();
  void tabulate(QuietLink link, const Pulse& pulse);
  void look_at(Frame& frame, Slot slot, Pulse pulse);
  void look_at_candidates(Frame& frame, Epoch epoch, std::size_t count);
  void replay(Frame& frame, std::uint64_t slots);
  std::size_t draw_candidates(Slot end);
  /// A click, once no effect can take it away any more.
  void report(Frame& frame, Slot slot, Basis basis, Click seen, const ArrivalTime& at, bool dimmed);
  void report_after_pulses(Frame& frame, Slot end);

  static constexpr std::size_t batch = 256;
  LinkParameters parameters_;
  simulator::SourceSettings settings_;
  simulator::SymbolGenerator generator_;
  Xoshiro dice_;
  DeadTime dead_time_;
  AfterPulses after_pulses_;
  IntensityModulator modulator_;
  PolarisationDrift drift_;
  DeviceMeters meters_;
  Disturbance disturbance_;
  GeometricSkips skips_{0};
  double p_max_ = 0;
  std::array<Outcomes, tables> outcomes_;
  std::vector<EveNote> notes_;
  Slot weak_from_ = 0;
  std::optional<ReceiverReadings> receiver_readings_;
  std::optional<TransmitterReadings> transmitter_readings_;
  std::vector<std::uint32_t> last_frame_;  // as it was reported, for whoever replays it
  std::uint64_t z_below_;                  // on 32 bits
  std::uint64_t dimmed_below_;             // on 31 bits
  bool fresh_ = true;                      // the next candidate is to be drawn from the next run's start
  Slot next_candidate_ = 0;
  std::array<Slot, batch> slots_{};
  std::array<Symbol, batch> symbols_{};
  std::array<Symbol, batch> symbols_before_{};
};

}  // namespace cloister::hal::fibre
