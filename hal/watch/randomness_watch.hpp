#pragma once
/// Health tests of the randomness of a transmitter's device, on samples of what it sends: NIST SP 800-90B, 4.4, for each value of bit, basis and
/// intensity, which is set to come with probability p.
///
///   repetition count     C = 1 + ⌈60 ln 2 / -ln p⌉ alike in a row                                (4.4.1)
///   adaptive proportion  of 1024 in a row as many alike as by chance are not: the least C with
///                        P[Bin(1024, p) ≥ C] ≤ 2^-60, for each value instead of for the first       (4.4.2)
///   proportion           of 2^20, farther from p than 1 % and sqrt(ln(2 / α) / 2n): Hoeffding, α = `false_alarm`
///
/// A sample is 1024 slots in a row: 1024 places in which a row can begin, and seven values, so below 1024 · 7 · 2^-60 + 7 · 2^-60 = 1e-14 for a sample.
/// What was wrong is right again after 2^20 slots without it. A generator that somebody else knows, and that is fair, is not found by any test.
/// The symbols are secret: they are added up without a branch, and what is said of them is which test failed, without its figures. An engine.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "hal/device.hpp"
#include "hal/watch/finding.hpp"
#include "hal/watch/quiet_again.hpp"

namespace cloister::hal::watch {

class RandomnessWatch {
 public:
  static constexpr std::size_t sample_slots = 1024;

  explicit RandomnessWatch(const Capabilities& transmitter);
  /// Of consecutive slots.
  [[nodiscard]] std::optional<Finding> on_symbols(std::span<const Symbol, sample_slots> symbols);

 private:
  static constexpr std::size_t kinds = 3;   // bit, basis, intensity
  static constexpr std::size_t values = 3;  // of each, at most
  struct Value {
    double probability = 0;  // 0: it is never sent, and not looked at
    std::uint32_t repetition = 0;
    std::uint32_t proportion = 0;
    std::uint64_t seen = 0;  // in the window of the last test
  };
  [[nodiscard]] static Value value_of(double probability);
  [[nodiscard]] std::optional<Finding> look(std::span<const Symbol, sample_slots> symbols);

  std::array<std::array<Value, values>, kinds> values_{};
  QuietAgain quiet_;
  std::uint64_t window_ = 0;
};

}  // namespace cloister::hal::watch
