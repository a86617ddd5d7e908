#pragma once
/// The conformance test of a vendor's library: drives it as the service does, in the same sandbox and through the same
/// checks, and then looks at what the service leaves to statistics.

#include <chrono>
#include <format>
#include <string>
#include <string_view>
#include <vector>

#include "hal/plugin/plugin.hpp"

namespace cloister::hal::plugin {

enum class Verdict { ok, note, wrong };

struct Finding {
  Verdict verdict;
  std::string text;
};
using Findings = std::vector<Finding>;

/// Of a device that was closed and opened again.
[[nodiscard]] inline Finding judge_second_start(Epoch first, Epoch second) {
  if (second != first) return {Verdict::ok, "a second start is a new epoch"};
  return {Verdict::wrong, std::format("begins epoch {} a second time", first)};
}

struct Patience {
  std::chrono::milliseconds until_light{10'000};
  std::chrono::milliseconds measure{3'000};
  std::chrono::milliseconds stall{1'000};  ///< In which a receiver's ring is not read, and overflows.
};

/// Opens, measures, stalls, closes, and opens once more. Nothing when the library does not have the role.
[[nodiscard]] Findings examine_receiver(const PluginConfig& config, const Patience& patience);
[[nodiscard]] Findings examine_transmitter(const PluginConfig& config, const Patience& patience);

}  // namespace cloister::hal::plugin
