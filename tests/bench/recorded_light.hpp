#pragma once
/// Light of the simulated fibre, made from a seed before the clock runs: what Bob's receiver saw, and what Alice's
/// transmitter remembers of it. Each process makes it anew; from one seed both see the same. A block's worth of frames is
/// made, and shines again and again.

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "appliance/distill/account.hpp"
#include "crypto/error.hpp"
#include "hal/fibre/link.hpp"
#include "hal/simulator/protocol.hpp"

namespace cloister::bench {

struct LightSettings {
  std::uint64_t seed = 0;
  double qber = 0;
  bool drifting = false;  // the misalignment swings by half of its mean, once in 40 frames; whole swings are made
  std::uint64_t sifted_bits = 0;
};

inline constexpr std::size_t swing_frames = 40;

inline constexpr hal::simulator::SourceSettings source_settings{
    .clock_hz = 2.5e9, .z_probability = 0.9, .intensities = {0.5, 0.15}, .probabilities = {0.6, 0.4}};

class RecordedLight final : public hal::SymbolSource {
 public:
  explicit RecordedLight(const LightSettings& settings) {
    hal::simulator::SourceSeed seed;
    std::ranges::fill(seed.fill(), static_cast<std::byte>(settings.seed));
    const auto generator = [&] {
      auto made = hal::simulator::SymbolGenerator::create(seed, source_settings);
      require(made.has_value(), "the simulated source needs a processor with AES instructions");
      return std::move(*made);
    };
    const auto source = generator();
    std::uint64_t sifted = 0;
    for (std::size_t number = 0; sifted < settings.sifted_bits || number % swing_frames != 0; ++number) {
      const double swing =
          settings.drifting ? 1 + 0.5 * std::sin(2 * std::numbers::pi * static_cast<double>(number) / swing_frames) : 1;
      // 10 km of fibre, and superconducting detectors.
      hal::fibre::Link link{{.length_km = 10,
                             .attenuation_db_per_km = 0.2,
                             .efficiency = 0.6,
                             .dark_count_probability = 1e-7,
                             .misalignment = settings.qber * swing,
                             .dead_time_seconds = 0},
                            source_settings,
                            generator(),
                            settings.seed + number};
      Recorded& frame = frames_.emplace_back();
      frame.first = number * slots_of_frame;
      link.run(epoch, frame.first, slots_of_frame, frame.packed);
      const auto seen = unpacked(number);
      std::vector<hal::Slot> slots;
      for (const auto& detection : seen.detections) slots.push_back(detection.slot);
      frame.symbols.resize(slots.size());
      source.symbols(epoch, slots, frame.symbols);
      for (std::size_t i = 0; i < slots.size(); ++i)
        sifted += seen.detections[i].basis == hal::Basis::z && frame.symbols[i].basis == hal::Basis::z ? 1U : 0U;
    }
  }
  /// As the receiver's driver hands it on.
  [[nodiscard]] hal::DetectionFrame unpacked(std::size_t number) const {
    const Recorded& frame = frames_[number % frames_.size()];
    auto out = hal::simulator::unpack({.epoch = epoch,
                                       .first = frame.first,
                                       .slots = slots_of_frame,
                                       .lost = 0,
                                       .packed = std::as_bytes(std::span{frame.packed})});
    require(out.has_value(), "the fibre's own clicks");
    return std::move(*out);
  }
  Result<> symbols(hal::Epoch, std::span<const hal::Slot> slots, std::span<hal::Symbol> out) override {
    const Recorded& frame = frames_[next_++ % frames_.size()];
    require(slots.size() == frame.symbols.size(), "frames are asked about in order");
    std::ranges::copy(frame.symbols, out.begin());
    return {};
  }
  void release(hal::Epoch, hal::Slot) override {}
  /// Frame 0 is the next that is asked about.
  void rewind() { next_ = 0; }

 private:
  static constexpr hal::Epoch epoch = 1;
  static constexpr std::uint64_t slots_of_frame = 700'000;  // about 90,000 clicks
  struct Recorded {
    hal::Slot first = 0;
    std::vector<std::uint32_t> packed;
    std::vector<hal::Symbol> symbols;
  };
  std::vector<Recorded> frames_;
  std::size_t next_ = 0;
};

}  // namespace cloister::bench
