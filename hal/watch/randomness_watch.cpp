#include "hal/watch/randomness_watch.hpp"

#include <algorithm>
#include <cmath>
#include <format>
#include <string_view>

#include "crypto/secret.hpp"

namespace cloister::hal::watch {

namespace {

constexpr int alpha_bits = 60;
constexpr std::uint64_t window_slots = std::uint64_t{1} << 20;
constexpr double proportion_off_max = 0.01;
constexpr std::array<std::string_view, 3> names{"bits", "bases", "intensities"};

/// P[Bin(trials, p) = hits], by logarithms.
double binomial(std::size_t trials, std::size_t hits, double p) {
  const auto n = static_cast<double>(trials);
  const auto k = static_cast<double>(hits);
  return std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) + k * std::log(p) +
                  (n - k) * std::log1p(-p));
}

/// 1 where they are equal, else 0, by arithmetic: both are below 256.
std::uint32_t equal(std::uint32_t one, std::uint32_t other) { return ((one ^ other) - 1U) >> 31U; }
/// The larger, by arithmetic: both are below 2^31.
std::uint32_t larger(std::uint32_t one, std::uint32_t other) {
  const std::uint32_t less = (one - other) >> 31U;
  return one + less * (other - one);
}

}  // namespace

RandomnessWatch::Value RandomnessWatch::value_of(double probability) {
  // What is always or never sent cannot fail.
  if (!(probability > 0 && probability < 1)) return {};
  const double in_a_row = 1 + std::ceil(alpha_bits * std::log(2.0) / -std::log(probability));
  double tail = 0;
  std::uint32_t least = sample_slots + 1;
  while (least > 0 && (tail += binomial(sample_slots, least - 1, probability)) <= std::ldexp(1.0, -alpha_bits)) --least;
  return {.probability = probability,
          .repetition = static_cast<std::uint32_t>(std::min(in_a_row, 1e9)),
          .proportion = least};
}

RandomnessWatch::RandomnessWatch(const Capabilities& transmitter) : quiet_{window_slots} {
  values_[0] = {value_of(0.5), value_of(0.5)};
  values_[1] = {value_of(transmitter.z_probability), value_of(1 - transmitter.z_probability)};
  for (std::size_t k = 0; k < std::min(values, transmitter.intensity_probabilities.size()); ++k)
    values_[2][k] = value_of(transmitter.intensity_probabilities[k]);
}

std::optional<Finding> RandomnessWatch::on_symbols(std::span<const Symbol, sample_slots> symbols) {
  return quiet_.after(symbols.size(), look(symbols));
}

std::optional<Finding> RandomnessWatch::look(std::span<const Symbol, sample_slots> symbols) {
  struct Count {
    std::uint32_t in_a_row = 0;
    std::uint32_t longest = 0;
    std::uint32_t all = 0;
  };
  std::array<std::array<Count, values>, kinds> counts{};
  for (const auto& symbol : symbols) {
    const std::array<std::uint32_t, kinds> sent{symbol.bit, static_cast<std::uint32_t>(symbol.basis), symbol.intensity};
    for (std::size_t kind = 0; kind < kinds; ++kind)
      for (std::size_t value = 0; value < values; ++value) {
        auto& count = counts[kind][value];
        const auto is = equal(sent[kind], static_cast<std::uint32_t>(value));
        count.in_a_row = is * (count.in_a_row + 1);
        count.longest = larger(count.longest, count.in_a_row);
        count.all += is;
      }
  }
  window_ += symbols.size();
  const bool whole = window_ >= window_slots;
  const auto number = static_cast<double>(window_);
  std::optional<Finding> found;
  for (std::size_t kind = 0; kind < kinds; ++kind)
    for (std::size_t value = 0; value < values; ++value) {
      auto& expected = values_[kind][value];
      if (expected.probability <= 0) continue;
      const auto& count = counts[kind][value];
      expected.seen += count.all;
      std::string_view failed;
      if (count.longest >= expected.repetition) failed = "repeat themselves";
      if (count.all >= expected.proportion) failed = "are too often alike";
      const double off = std::abs(static_cast<double>(expected.seen) / number - expected.probability);
      if (whole && off > proportion_off_max + std::sqrt(std::log(2 / false_alarm) / (2 * number)))
        failed = "do not come as often as is set";
      if (!failed.empty())
        found = Finding{.clean = false,
                        .text = std::format("the transmitter's {} {}: its randomness has failed", names[kind], failed)};
      if (whole) expected.seen = 0;
    }
  if (whole) window_ = 0;
  crypto::wipe(std::as_writable_bytes(std::span{counts}));
  return found;
}

}  // namespace cloister::hal::watch
