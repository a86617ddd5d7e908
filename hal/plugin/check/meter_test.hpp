#pragma once
/// A library's meters as the service's watch sees them: how much of the light they speak of, and whether an untouched device is suspect by
/// them.

#include <cstdint>
#include <format>
#include <optional>
#include <string>

#include "hal/plugin/check/conformance.hpp"
#include "hal/watch/receiver_meters.hpp"
#include "hal/watch/transmitter_meters.hpp"

namespace cloister::hal::plugin {

inline std::string names_of(const Meters& meters) {
  std::string names;
  const auto add = [&](bool has, const char* name) {
    if (has) names += (names.empty() ? "" : ", ") + std::string{name};
  };
  add(meters.photocurrent, "photocurrent");
  add(meters.arrivals, "arrivals");
  add(meters.dimmed_gates, "dimmed gates");
  add(meters.output_power, "output power");
  add(meters.returned_light, "returned light");
  return names;
}

/// `Watch`: ReceiverMeters or TransmitterMeters.
template <class Watch>
class MeterTest {
 public:
  explicit MeterTest(const Capabilities& device) : meters_{device.meters}, watch_{device} {}

  /// Light of so many slots, and what the meters say of it; `light` is what the watch takes first.
  template <class Light, class Readings>
  void look(const Light& light, std::uint64_t slots, const std::optional<Readings>& readings) {
    slots_ += slots;
    if (readings && watch_.covers(readings)) covered_ += readings->slots;
    const auto finding = look_at(light, readings);
    if (finding && !finding->clean && found_.empty()) found_ = finding->text;
  }

  [[nodiscard]] Findings judge() const {
    const auto names = names_of(meters_);
    if (names.empty())
      return {{Verdict::note, "it has no meters: attacks that make no error are seen by its clicks alone, if at all"}};
    Findings findings{{Verdict::ok, "has meters: " + names}};
    const double share = static_cast<double>(covered_) / static_cast<double>(slots_);
    constexpr double least = 0.95;  // what is under way when the measurement ends
    findings.push_back(
        {share >= least ? Verdict::ok : Verdict::wrong,
         std::format("its meters speak of {:.1f} % of the slots: of the others there is no key", 100 * share)});
    if (!found_.empty())
      findings.push_back({Verdict::wrong, "an untouched device is suspect by its meters: " + found_});
    return findings;
  }

 private:
  template <class Readings>
  auto look_at(const DetectionFrame& frame, const std::optional<Readings>& readings) {
    return watch_.on_frame(frame, readings);
  }
  template <class Readings>
  auto look_at(std::uint64_t slots, const std::optional<Readings>& readings) {
    return watch_.on_light(slots, readings);
  }

  Meters meters_;
  Watch watch_;
  std::uint64_t slots_ = 0;
  std::uint64_t covered_ = 0;
  std::string found_;
};

}  // namespace cloister::hal::plugin
