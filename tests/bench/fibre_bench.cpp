// What the simulated fibre costs for each detection, at pulse rates that differ a hundredfold and one rate of detections.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <format>
#include <vector>

#include "hal/fibre/link.hpp"

namespace {

using namespace cloister::hal;

constexpr double detections_per_second = 1e6;
constexpr int frames = 500;  // of 10 ms

/// Nanoseconds a detection; 0 when the processor lacks what the light needs.
double measure(double clock_hz) {
  const simulator::SourceSettings settings{
      .clock_hz = clock_hz, .z_probability = 0.9, .intensities = {0.5, 0.15}, .probabilities = {0.6, 0.4}};
  const double mean_photons = 0.6 * 0.5 + 0.4 * 0.15;
  const fibre::LinkParameters parameters{.length_km = 0,
                                         .efficiency = detections_per_second / clock_hz / mean_photons,
                                         .dark_count_probability = 0,
                                         .after_pulse_probability = 0.02};
  simulator::SourceSeed light;
  std::ranges::fill(light.fill(), std::byte{7});
  auto generator = simulator::SymbolGenerator::create(light, settings);
  if (!generator) return 0;
  fibre::Link link{parameters, settings, std::move(*generator), 1};
  const auto frame_slots = static_cast<std::uint64_t>(clock_hz / 100);
  std::vector<std::uint32_t> packed;
  std::uint64_t detections = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t frame = 0; frame < frames; ++frame) {
    link.run(1, frame * frame_slots, frame_slots, packed);
    detections += packed.size();
  }
  const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - begin;
  return spent.count() / static_cast<double>(detections);
}

}  // namespace

int main() {
  cloister::crypto::arena_initialise(std::size_t{1} << 20);
  for (const double clock_hz : {1e8, 1e9, 1e10}) {
    const double nanoseconds = measure(clock_hz);
    if (nanoseconds == 0) return 1;
    std::puts(std::format(R"({{"name": "fibre, a detection at {:g} GHz", "value": {:.2f}, "unit": "ns"}})",
                          clock_hz / 1e9, nanoseconds)
                  .c_str());
  }
}
