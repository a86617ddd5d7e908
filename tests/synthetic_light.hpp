#pragma once
/// Light without a fibre: what Alice sent in a slot is a function of its number, what Bob saw is that with errors. The
/// share of the decoy among detections is that of a lossy line: proportional to its probability and its mean photon
/// number.

#include <cstdint>
#include <random>

#include "appliance/distill/account.hpp"
#include "hal/frame.hpp"

namespace cloister::test {

class SyntheticSource final : public hal::SymbolSource {
 public:
  SyntheticSource(const distill::Parameters& parameters, double z_probability, std::uint64_t seed)
      : seed_{seed}, z_probability_{z_probability} {
    double all = 0;
    for (std::size_t k = 0; k < distill::intensities_max; ++k)
      all += parameters.probabilities[k] * parameters.intensities[k];
    for (std::size_t k = 0; k < shares_.size(); ++k)
      shares_[k] = parameters.probabilities[k] * parameters.intensities[k] / all;
  }
  /// Of a slot in which something was detected.
  [[nodiscard]] hal::Symbol symbol(hal::Slot slot) const {
    std::uint64_t x = slot * 0x9E3779B97F4A7C15U + seed_;  // splitmix64
    const auto next = [&x] {
      std::uint64_t z = (x += 0x9E3779B97F4A7C15U);
      z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
      z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
      return z ^ (z >> 31U);
    };
    const std::uint64_t a = next();
    const std::uint64_t b = next();
    const double basis = static_cast<double>(a >> 33U) * 0x1p-31;
    const double intensity = static_cast<double>(b >> 33U) * 0x1p-31;
    return {basis < z_probability_ ? hal::Basis::z : hal::Basis::x, static_cast<std::uint8_t>(a & 1U),
            static_cast<std::uint8_t>(intensity < shares_[0]                                   ? 0
                                      : intensity < shares_[0] + shares_[1] || shares_[2] <= 0 ? 1
                                                                                               : 2)};
  }
  Result<> symbols(hal::Epoch, std::span<const hal::Slot> slots, std::span<hal::Symbol> out) override {
    for (std::size_t i = 0; i < slots.size(); ++i) out[i] = symbol(slots[i]);
    return {};
  }
  void release(hal::Epoch, hal::Slot) override {}

 private:
  std::uint64_t seed_;
  double z_probability_;
  distill::PerIntensity shares_{};  // of the detections
};

/// Slots without a click between two, evenly from none to 1,999.
inline std::uint64_t even_gap(std::mt19937_64& chance) { return chance() % 2000; }

/// The next `detections` clicks of a receiver that errs with probability `error` in its own basis, and guesses in the
/// other.
template <class Gap = decltype(&even_gap)>
hal::DetectionFrame detect(const SyntheticSource& source, hal::Slot& slot, std::size_t detections, double z_probability,
                           double error, std::mt19937_64& chance, Gap gap = even_gap) {
  hal::DetectionFrame frame{.epoch = 1, .first = slot, .slots = 0, .detections = {}};
  const auto uniform = [&chance] { return static_cast<double>(chance() >> 11U) * 0x1p-53; };
  for (std::size_t i = 0; i < detections; ++i) {
    slot += 1 + gap(chance);
    const auto sent = source.symbol(slot);
    const auto basis = uniform() < z_probability ? hal::Basis::z : hal::Basis::x;
    const bool flipped = uniform() < (basis == sent.basis ? error : 0.5);
    frame.detections.push_back({slot, basis, static_cast<std::uint8_t>(sent.bit ^ (flipped ? 1U : 0U)), false});
  }
  frame.slots = ++slot - frame.first;
  return frame;
}

}  // namespace cloister::test
