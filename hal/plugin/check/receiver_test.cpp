#include <algorithm>
#include <iterator>
#include <thread>

#include "hal/plugin/check/frequencies.hpp"
#include "hal/plugin/check/meter_test.hpp"
#include "hal/plugin/check/watched_device.hpp"

namespace cloister::hal::plugin {

namespace {

struct Seen {
  std::uint64_t frames = 0;
  std::uint64_t watched_slots = 0;
  std::optional<Slot> first;
  Slot end = 0;
  Frequency z, ones_in_z, ones_in_x;

  void count(const DetectionFrame& frame) {
    ++frames;
    watched_slots += frame.slots;
    if (!first) first = frame.first;
    end = frame.first + frame.slots;
    for (const auto& click : frame.detections) {
      z.count(click.basis == Basis::z);
      (click.basis == Basis::z ? ones_in_z : ones_in_x).count(click.bit == 1);
    }
  }
};

using ReceiverMeterTest = MeterTest<watch::ReceiverMeters>;

Result<bool> take_all(Receiver& receiver, Seen& seen, ReceiverMeterTest* meters = nullptr) {
  for (;;) {
    auto frame = receiver.next_frame();
    if (!frame) return std::unexpected{frame.error()};
    if (!*frame) return true;
    seen.count(**frame);
    if (meters != nullptr) meters->look(**frame, (*frame)->slots, receiver.take_readings());
  }
}

/// Nobody reads for a while: what the ring cannot hold is lost, and the device goes on.
bool survives_a_stall(WatchedDevice<Receiver>& watched, const Patience& patience, Findings& findings) {
  std::this_thread::sleep_for(patience.stall);
  Seen after;
  if (!watched.serve(patience.stall, [&](Receiver& receiver) { return take_all(receiver, after); })) return false;
  const bool goes_on = after.frames > 0;
  findings.push_back({goes_on ? Verdict::ok : Verdict::wrong,
                      goes_on ? std::format("goes on after {} ms in which the ring was not read; lost {} detections",
                                            patience.stall.count(), watched.device().telemetry().lost_detections)
                              : "gives no more frames once its ring has been full"});
  return true;
}

}  // namespace

Findings examine_receiver(const PluginConfig& config, const Patience& patience) {
  Findings findings;
  WatchedDevice<Receiver> watched{open_receiver(config), findings};
  Seen ignored;  // what waited
  if (!watched.works() || !watched.wait_for_light(patience.until_light) ||
      !watched.serve(std::chrono::milliseconds{200}, [&](Receiver& receiver) { return take_all(receiver, ignored); }))
    return watched.lacks_role() ? Findings{} : findings;

  Seen seen;
  ReceiverMeterTest meters{watched.device().capabilities()};
  const auto start = Clock::now();
  if (!watched.serve(patience.measure, [&](Receiver& receiver) { return take_all(receiver, seen, &meters); }))
    return findings;
  const auto time = since(start);
  const Epoch epoch = watched.device().telemetry().epoch;
  if (seen.frames == 0) {
    findings.push_back({Verdict::wrong, "says that it runs, and gives no frames"});
    return findings;
  }
  findings.push_back(
      {Verdict::ok, std::format("{} frames, {} detections, all well-formed and in order", seen.frames, seen.z.of)});
  findings.push_back(pace_of(seen.end - *seen.first, time, config.source.clock_hz));
  if (seen.watched_slots < seen.end - *seen.first)
    findings.push_back({Verdict::note, std::format("{} slots between frames were not watched",
                                                   seen.end - *seen.first - seen.watched_slots)});
  if (seen.z.of < 1000) {
    findings.push_back({Verdict::note, "too few detections to judge their bits: let light, or darkness, in"});
  } else {
    findings.push_back(held_to(seen.z, config.source.z_probability, 0.02, "share of Z among detections"));
    findings.push_back(held_to(seen.ones_in_z, 0.5, 0.05, "ones in Z"));
    findings.push_back(held_to(seen.ones_in_x, 0.5, 0.05, "ones in X"));
  }
  std::ranges::copy(meters.judge(), std::back_inserter(findings));
  if (!survives_a_stall(watched, patience, findings)) return findings;
  watched.close();

  std::this_thread::sleep_for(std::chrono::seconds{1});
  WatchedDevice<Receiver> again{open_receiver(config), findings};
  Seen second;
  if (!again.works() || !again.wait_for_light(patience.until_light) ||
      !again.serve(patience.stall, [&](Receiver& receiver) { return take_all(receiver, second); }))
    return findings;
  findings.push_back(judge_second_start(epoch, again.device().telemetry().epoch));
  return findings;
}

}  // namespace cloister::hal::plugin
