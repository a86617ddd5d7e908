#pragma once
/// One epoch of light from a transmitter to a receiver: the effects in a row, evaluated only where a click can be.
///
///   skips ─▶ candidate slots ─▶ dead? ─▶ symbol ─▶ passive basis ─▶ Eve, loss, two detectors: one table ─▶ packed click
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
#include "hal/fibre/eavesdropper.hpp"
#include "hal/fibre/thinning.hpp"
#include "hal/fibre/xoshiro.hpp"
#include "hal/frame.hpp"
#include "hal/simulator/source_settings.hpp"
#include "hal/simulator/symbols.hpp"

namespace cloister::hal::fibre {

struct LinkParameters {
  double length_km = 25;
  double attenuation_db_per_km = 0.2;
  double insertion_loss_db = 0;          ///< Connectors, splices and filters.
  double efficiency = 0.1;               ///< Of the receiver: optics and detectors.
  double efficiency_ratio = 1;           ///< Of the detectors of bit 1 to those of bit 0, which have `efficiency`.
  double dark_count_probability = 1e-7;  ///< Per detector and slot.
  double misalignment = 0.01;            ///< Part of the light that reaches the wrong detector.
  double dead_time_seconds = 0;
  double after_pulse_probability = 0;          ///< That a click leaves a carrier behind.
  double after_pulse_lifetime_seconds = 1e-6;  ///< Mean time until it is set free.
};
/// Refuses what is no fibre: negative or infinite lengths, probabilities outside [0, 1), a misalignment above one half.
[[nodiscard]] Result<> check(const LinkParameters& parameters);

/// Fewer slots than the transmitter is ahead at any clock: what is measured was sent.
inline constexpr std::uint64_t sync_shift_max = 100;

/// What can be switched while light flows.
struct Disturbance {
  std::optional<Attack> eve;
  bool cut = false;              ///< No light arrives, Eve's neither; detectors still count in the dark.
  double noise = 0;              ///< Counts of stray light, per detector and slot, beside the dark counts.
  std::uint64_t sync_shift = 0;  ///< Slots by which the receiver's count is behind: somebody delays the clock's pulses.
  bool replay = false;           ///< The receiver's device reports the clicks of its last frame again and again.
};
/// Refuses fractions and probabilities that are none.
[[nodiscard]] Result<> check(const Disturbance& disturbance);

/// Of a click that was reported: in which basis Eve knows which bit.
struct EveNote {
  Slot slot = 0;
  Carried knows;
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

  void disturb(const Disturbance& disturbance);
  /// Clicks of slots [first, first + slots) into `packed` (simulator::pack), replacing what was there. Runs ascend;
  /// `slots` is at most simulator::frame_slots_max.
  ClickCounts run(Epoch epoch, Slot first, std::uint64_t slots, std::vector<std::uint32_t>& packed);
  /// Eve's notes on the clicks of the last run.
  [[nodiscard]] std::span<const EveNote> eve_notes() const { return notes_; }

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
  };
  using Outcomes = std::vector<Outcome>;
  /// Of a symbol and the basis it is measured in.
  [[nodiscard]] static std::size_t table_of(Symbol symbol, Basis measured) {
    return ((symbol.intensity * 2UZ + static_cast<std::size_t>(symbol.basis)) * 2UZ + symbol.bit) * 2UZ +
           static_cast<std::size_t>(measured);
  }
  static constexpr std::size_t tables = 3UZ * 2 * 2 * 2;
  void tabulate(const QuietLink& link, Symbol symbol, Basis measured);
  void look_at(Frame& frame, Slot slot, Symbol symbol);
  void replay(Frame& frame, std::uint64_t slots);
  std::size_t draw_candidates(Slot end);
  /// A click, once no effect can take it away any more.
  void report(Frame& frame, Slot slot, Basis basis, Click seen);
  void report_after_pulses(Frame& frame, Slot end);

  static constexpr std::size_t batch = 256;
  LinkParameters parameters_;
  simulator::SourceSettings settings_;
  simulator::SymbolGenerator generator_;
  Xoshiro dice_;
  DeadTime dead_time_;
  AfterPulses after_pulses_;
  Disturbance disturbance_;
  GeometricSkips skips_{0};
  double p_max_ = 0;
  std::array<Outcomes, tables> outcomes_;
  std::vector<EveNote> notes_;
  std::vector<std::uint32_t> last_frame_;  // as it was reported, for whoever replays it
  std::uint64_t z_below_;                  // on 32 bits
  bool fresh_ = true;                      // the next candidate is to be drawn from the next run's start
  Slot next_candidate_ = 0;
  std::array<Slot, batch> slots_{};
  std::array<Symbol, batch> symbols_{};
};

}  // namespace cloister::hal::fibre
