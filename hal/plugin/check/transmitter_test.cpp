#include <algorithm>
#include <array>
#include <format>
#include <iterator>
#include <numeric>
#include <thread>
#include <utility>

#include "hal/plugin/check/frequencies.hpp"
#include "hal/plugin/check/meter_test.hpp"
#include "hal/plugin/check/watched_device.hpp"

namespace cloister::hal::plugin {

namespace {

constexpr std::size_t sample_slots = 4096;
// Of fair bits, 2^20 of them show a longer run once in 2^20 (NIST SP 800-90B, 4.4.1, with alpha = 2^-40).
constexpr std::uint64_t run_max = 41;

/// Symbols of the newest slots, a sample a wake-up.
struct Seen {
  std::vector<Symbol> newest = std::vector<Symbol>(sample_slots);
  std::vector<Symbol> before;
  std::optional<Slot> first;
  Slot end = 0;
  std::uint64_t longest_run = 0;
  bool repeats = false;
  Frequency z, ones;
  std::array<Frequency, 3> intensities;

  void count() {
    std::uint64_t run = 0;
    std::uint8_t last = 2;
    for (const auto& symbol : newest) {
      z.count(symbol.basis == Basis::z);
      ones.count(symbol.bit == 1);
      for (std::size_t k = 0; k < intensities.size(); ++k) intensities[k].count(symbol.intensity == k);
      run = symbol.bit == last ? run + 1 : 1;
      last = symbol.bit;
      longest_run = std::max(longest_run, run);
    }
    const auto same = [](const Symbol& a, const Symbol& b) {
      return a.basis == b.basis && a.bit == b.bit && a.intensity == b.intensity;
    };
    repeats |= std::ranges::equal(newest, before, same);
    before = newest;
  }
};

Result<bool> sample(Transmitter& transmitter, Seen& seen) {
  const auto telemetry = transmitter.telemetry();
  if (telemetry.slots < seen.end + sample_slots) return true;
  if (!seen.first) seen.first = telemetry.slots;
  seen.end = telemetry.slots;
  std::vector<Slot> slots(sample_slots);
  std::iota(slots.begin(), slots.end(), seen.end - sample_slots);
  if (auto read = transmitter.symbols(telemetry.epoch, slots, seen.newest); !read)
    return fail("the newest symbols cannot be read: " + read.error().message);
  seen.count();
  return true;
}

}  // namespace

Findings examine_transmitter(const PluginConfig& config, const Patience& patience) {
  Findings findings;
  WatchedDevice<Transmitter> watched{open_transmitter(config), findings};
  // What waited is taken, so that what is measured afterwards has its own readings.
  const auto settle = [](Transmitter& transmitter) -> Result<bool> {
    while (transmitter.take_readings()) {
    }
    return true;
  };
  if (!watched.works() || !watched.wait_for_light(patience.until_light) ||
      !watched.serve(std::chrono::milliseconds{200}, settle))
    return watched.lacks_role() ? Findings{} : findings;

  Seen seen;
  MeterTest<watch::TransmitterMeters> meters{watched.device().capabilities()};
  auto sent = watched.device().telemetry().slots;
  const auto start = Clock::now();
  const auto look = [&](Transmitter& transmitter) {
    auto slots = transmitter.telemetry().slots - sent;
    sent += slots;
    for (auto readings = transmitter.take_readings();; readings = transmitter.take_readings()) {
      meters.look(slots, slots, readings);
      slots = 0;
      if (!readings) break;
    }
    return sample(transmitter, seen);
  };
  if (!watched.serve(patience.measure, look)) return findings;
  const auto time = since(start);
  const Epoch epoch = watched.device().telemetry().epoch;
  if (!seen.first || seen.z.of < 2 * sample_slots) {
    findings.push_back({Verdict::wrong, "says that it runs, and gives no symbols"});
    return findings;
  }
  findings.push_back({Verdict::ok, std::format("{} of {} symbols looked at", seen.z.of, seen.end - *seen.first)});
  findings.push_back(pace_of(seen.end - *seen.first, time, config.source.clock_hz));
  findings.push_back(held_to(seen.z, config.source.z_probability, 0.002, "share of Z"));
  findings.push_back(held_to(seen.ones, 0.5, 0.002, "share of ones"));
  for (std::size_t k = 0; k < config.source.intensity_count(); ++k)
    findings.push_back(
        held_to(seen.intensities[k], config.source.probabilities[k], 0.002, std::format("share of intensity {}", k)));
  findings.push_back({seen.longest_run <= run_max ? Verdict::ok : Verdict::wrong,
                      std::format("longest run of equal bits: {}, expected {} at most", seen.longest_run, run_max)});
  std::ranges::copy(meters.judge(), std::back_inserter(findings));
  if (seen.repeats) findings.push_back({Verdict::wrong, "sends the same symbols again and again"});
  watched.close();

  std::this_thread::sleep_for(std::chrono::seconds{1});
  WatchedDevice<Transmitter> again{open_transmitter(config), findings};
  Seen second;
  if (!again.works() || !again.wait_for_light(patience.until_light) ||
      !again.serve(patience.stall, [&](Transmitter& transmitter) { return sample(transmitter, second); }))
    return findings;
  findings.push_back(judge_second_start(epoch, again.device().telemetry().epoch));
  return findings;
}

}  // namespace cloister::hal::plugin
