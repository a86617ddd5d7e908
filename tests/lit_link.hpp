#pragma once
/// A whole link in one thread, from pulses to keys: the simulated physics, the watch over the receiver and both halves of
/// the chain, in slots instead of seconds.
///
///   light ─▶ fibre::Link (Eve in it) ─▶ frames ─▶ watch ─▶ Bob's chain ⇄ Alice's chain ◀─ symbols of the same light
///                                                          each behind its quarantine
///                      └─ Eve's notes ─▶ what she knows of each block

#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "appliance/distill/quarantine.hpp"
#include "hal/fibre/link.hpp"
#include "hal/simulator/protocol.hpp"
#include "hal/watch/device_watch.hpp"
#include "tests/seeded_random.hpp"

namespace cloister::test {

/// What was sent, to be asked for any slot.
class Light final : public hal::SymbolSource {
 public:
  Light(const hal::simulator::SourceSettings& settings, std::uint64_t seed) : generator_{generator(settings, seed)} {}
  Result<> symbols(hal::Epoch epoch, std::span<const hal::Slot> slots, std::span<hal::Symbol> out) override {
    generator_.symbols(epoch, slots, out);
    return {};
  }
  void release(hal::Epoch, hal::Slot) override {}
  void weaken(hal::Slot from, double part) { generator_.weaken(from, part); }
  /// The same light once more, for the fibre.
  static hal::simulator::SymbolGenerator generator(const hal::simulator::SourceSettings& settings, std::uint64_t seed) {
    hal::simulator::SourceSeed secret;
    SeededRandom{seed}.fill(secret.fill());
    auto made = hal::simulator::SymbolGenerator::create(secret, settings);
    REQUIRE(made);
    return std::move(*made);
  }

 private:
  hal::simulator::SymbolGenerator generator_;
};

/// As the service's: light that the watch does not vouch for is not sifted.
class VouchedSource final : public hal::SymbolSource {
 public:
  VouchedSource(hal::SymbolSource& light, const hal::watch::TransmitterWatch& watch, bool asks)
      : light_{light}, watch_{watch}, asks_{asks} {}
  Result<> symbols(hal::Epoch epoch, std::span<const hal::Slot> slots, std::span<hal::Symbol> out) override {
    if (asks_ && !watch_.vouches(epoch, slots)) return fail("the watch does not vouch for this light");
    return light_.symbols(epoch, slots, out);
  }
  void release(hal::Epoch epoch, hal::Slot before) override { light_.release(epoch, before); }

 private:
  hal::SymbolSource& light_;
  const hal::watch::TransmitterWatch& watch_;
  bool asks_;
};

/// Defences that a test can take away, to see the attack win.
struct Defences {
  bool watch = true;               // an alarm drops the open blocks
  bool meters = true;              // the watch looks at the devices' meters, too
  bool double_clicks_kept = true;  // with a random bit
  std::chrono::milliseconds quarantine{0};
};

/// A block that has ended, and how many of its sifted key bits Eve knows from her notes. `key`: neither box keeps it back any more.
struct EndedBlock {
  wire::BlockId block;
  bool key = false;
  distill::Account account;
  std::uint64_t known_to_eve = 0;
  std::string text;  // of a dropped one
};

class LitLink {
 public:
  static constexpr hal::Epoch epoch = 1;

  LitLink(const hal::fibre::LinkParameters& glass, const hal::simulator::SourceSettings& source,
          const distill::Parameters& parameters, std::uint64_t seed, const Defences& defences = {})
      : source_{source},
        defences_{defences},
        light_{source, seed},
        fibre{glass, source, Light::generator(source, seed), seed + 1},
        frame_slots_{static_cast<std::uint64_t>(source.clock_hz * 1e-3)},
        alice_random_{seed + 2},
        bob_random_{seed + 3},
        receiver_watch_{capabilities(source, defences)},
        transmitter_watch_{capabilities(source, defences)},
        vouched_{light_, transmitter_watch_, defences.watch},
        alice_{distill::make_alice_chain(parameters, vouched_, alice_random_), defences.quarantine},
        bob_{distill::make_bob_chain(parameters, bob_random_), defences.quarantine} {
    alice_.start({1});
    bob_.start({1});
  }

  void disturb(const hal::fibre::Disturbance& disturbance) {
    fibre.disturb(disturbance, slot_);
    light_.weaken(slot_, disturbance.weak_randomness);
  }
  /// Until so many blocks have ended, with a key or without.
  void shine(std::size_t blocks) {
    for (const std::size_t enough = ended.size() + blocks; ended.size() < enough;) step();
  }
  /// For so long, whatever comes of it.
  void shine_for(double seconds) {
    for (const double end = this->seconds() + seconds; this->seconds() < end;) step();
  }
  [[nodiscard]] double seconds() const { return static_cast<double>(slot_) / source_.clock_hz; }
  [[nodiscard]] std::size_t keys() const {
    return static_cast<std::size_t>(std::ranges::count(ended, true, &EndedBlock::key));
  }

  /// Of all clicks so far, by basis, where both ends chose the same.
  struct Tally {
    std::array<std::uint64_t, 2> matching{};
    std::array<std::uint64_t, 2> errors{};
    [[nodiscard]] double error_rate(hal::Basis basis) const {
      const auto i = static_cast<std::size_t>(basis);
      return static_cast<double>(errors[i]) / static_cast<double>(matching[i]);
    }
    [[nodiscard]] double error_rate() const {
      return static_cast<double>(errors[0] + errors[1]) / static_cast<double>(matching[0] + matching[1]);
    }
  };

 private:
  hal::simulator::SourceSettings source_;
  Defences defences_;
  Light light_;

 public:
  hal::fibre::Link fibre;
  std::vector<EndedBlock> ended;      // as Bob saw it
  std::vector<std::string> alarms;    // of the watch
  std::vector<std::size_t> alarm_at;  // of each, how many blocks had ended before
  Tally tally;

 private:
  void step() {
    fibre.run(epoch, slot_, frame_slots_, packed_);
    auto frame = hal::simulator::unpack({.epoch = epoch,
                                         .first = slot_,
                                         .slots = frame_slots_,
                                         .lost = 0,
                                         .packed = std::as_bytes(std::span{packed_})});
    REQUIRE(frame);
    slot_ += frame_slots_;
    if (!defences_.double_clicks_kept)
      std::erase_if(frame->detections, [](const hal::Detection& click) { return click.double_click; });
    look(*frame);
    count(*frame);
    look_at_transmitter();
    const double seconds = static_cast<double>(frame_slots_) / source_.clock_hz;
    if (!suspect_) {
      bob_.watched(seconds, frame->detections.size());
      bob_.on_frame(std::move(*frame));
    }
    if (!defences_.watch || transmitter_watch_.vouched_slots() > vouched_slots_) alice_.watched(seconds, 0);
    vouched_slots_ = transmitter_watch_.vouched_slots();
    talk();
  }

  static hal::Capabilities capabilities(const hal::simulator::SourceSettings& source, const Defences& defences) {
    auto all = hal::simulator::capabilities_of(source);
    if (defences.meters) all.meters = hal::simulator::simulated_meters;
    return all;
  }

  /// As the service does it.
  void look(const hal::DetectionFrame& frame) {
    const auto& readings = fibre.receiver_readings();
    const auto finding = receiver_watch_.on_frame(frame, defences_.meters ? readings : std::nullopt);
    if (!defences_.watch) return;
    suspect_ = !receiver_watch_.vouches();
    if (!finding || finding->clean) return;
    alarm(finding->text);
    bob_.discard(finding->text);
    talk();
  }
  void look_at_transmitter() {
    const auto& readings = fibre.transmitter_readings();
    judge_transmitter(transmitter_watch_.on_light(epoch, slot_, defences_.meters ? readings : std::nullopt));
    constexpr auto sample = hal::watch::RandomnessWatch::sample_slots;
    std::array<hal::Slot, sample> slots{};
    for (std::size_t i = 0; i < sample; ++i) slots[i] = slot_ - sample + i;
    std::array<hal::Symbol, sample> symbols{};
    REQUIRE(light_.symbols(epoch, slots, symbols));
    judge_transmitter(transmitter_watch_.on_symbols(symbols));
  }
  void judge_transmitter(const std::optional<hal::watch::Finding>& finding) {
    if (!finding || !defences_.watch || finding->clean) return;
    alarm(finding->text);
    alice_.discard(finding->text);
  }
  void alarm(const std::string& text) {
    alarms.push_back(text);
    alarm_at.push_back(ended.size());
  }

  void talk() {
    while (turn(bob_, alice_) || turn(alice_, bob_)) {
    }
  }

  bool turn(distill::Quarantine& from, distill::Quarantine& to) {
    bool moved = false;
    const bool bobs = &from == &bob_;
    while (auto action = from.next_action()) {
      moved = true;
      if (auto* send = std::get_if<distill::Send>(&*action)) {
        REQUIRE(to.on_message(send->block, send->type, send->payload));
      } else if (const auto* made = std::get_if<distill::Amplified>(&*action)) {
        kept_back_[made->block] += made->quarantined ? 1 : 0;
        if (bobs) ended.push_back({made->block, false, made->account, known(), {}});
        if (bobs) known_ = 0;
        settle(made->block);
      } else if (const auto* released = std::get_if<distill::Released>(&*action)) {
        --kept_back_[released->block];
        settle(released->block);
      } else if (const auto* withdrawn = std::get_if<distill::Withdrawn>(&*action); withdrawn && bobs) {
        std::ranges::find(ended, withdrawn->block, &EndedBlock::block)->text = withdrawn->text;
      } else if (const auto* dropped = std::get_if<distill::Dropped>(&*action); dropped && bobs) {
        ended.push_back({dropped->block, false, dropped->account, known(), dropped->text});
        known_ = 0;
      }
    }
    return moved;
  }

  /// Bob amplifies last.
  void settle(wire::BlockId block) {
    const auto made = std::ranges::find(ended, block, &EndedBlock::block);
    if (made == ended.end() || kept_back_[block] > 0) return;
    made->key = true;
    alice_.held(block);
    bob_.held(block);
  }

  [[nodiscard]] std::uint64_t known() const { return static_cast<std::uint64_t>(known_); }

  void count(const hal::DetectionFrame& frame) {
    slots_.clear();
    for (const auto& detection : frame.detections) slots_.push_back(detection.slot);
    symbols_.resize(slots_.size());
    REQUIRE(light_.symbols(epoch, slots_, symbols_));
    const auto notes = fibre.eve_notes();
    auto note = notes.begin();
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      const auto& seen = frame.detections[i];
      const auto& sent = symbols_[i];
      if (seen.basis != sent.basis) continue;
      const auto basis = static_cast<std::size_t>(seen.basis);
      ++tally.matching[basis];
      tally.errors[basis] += seen.bit != sent.bit ? 1 : 0;
      while (note != notes.end() && note->slot < seen.slot) ++note;
      if (note == notes.end() || note->slot != seen.slot || suspect_) continue;
      const bool helps = sent.basis == hal::Basis::z && note->knows.basis == hal::Basis::z;
      if (helps && note->bits >= 1 && note->knows.bit != sent.bit) FAIL("what Eve notes is not what was sent");
      known_ += helps ? note->bits : 0;
    }
  }

  std::uint64_t frame_slots_;  // 1 ms
  SeededRandom alice_random_;
  SeededRandom bob_random_;
  hal::watch::ReceiverWatch receiver_watch_;
  hal::watch::TransmitterWatch transmitter_watch_;
  VouchedSource vouched_;
  distill::Quarantine alice_;
  distill::Quarantine bob_;
  std::map<wire::BlockId, int> kept_back_;  // by how many boxes
  std::uint64_t vouched_slots_ = 0;         // of the transmitter's
  bool suspect_ = false;                    // the receiver, or it is not vouched for
  double known_ = 0;                        // of the block that is being filled
  hal::Slot slot_ = 0;
  std::vector<std::uint32_t> packed_;
  std::vector<hal::Slot> slots_;
  std::vector<hal::Symbol> symbols_;
};

}  // namespace cloister::test
