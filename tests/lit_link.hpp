#pragma once
/// A whole link in one thread, from pulses to keys: the simulated physics, the watch over the receiver and both halves of
/// the chain, in slots instead of seconds.
///
///   light ─▶ fibre::Link (Eve in it) ─▶ frames ─▶ watch ─▶ Bob's chain ⇄ Alice's chain ◀─ symbols of the same light
///                      └─ Eve's notes ─▶ what she knows of each block

#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "appliance/distill/chain.hpp"
#include "hal/fibre/link.hpp"
#include "hal/simulator/protocol.hpp"
#include "hal/watch/click_watch.hpp"
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

/// Defences that a test can take away, to see the attack win.
struct Defences {
  bool watch = true;               // an alarm drops the open blocks
  bool double_clicks_kept = true;  // with a random bit
};

/// A block that has ended, and how many of its sifted key bits Eve knows from her notes.
struct EndedBlock {
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
        alice_{distill::make_alice_chain(parameters, light_, alice_random_)},
        bob_{distill::make_bob_chain(parameters, bob_random_)},
        watch_{hal::simulator::capabilities_of(source)} {
    alice_->start({1});
    bob_->start({1});
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
    if (!defences_.double_clicks_kept) std::erase_if(frame->detections, &hal::Detection::double_click);
    look(*frame);
    count(*frame);
    if (!suspect_) bob_->on_frame(std::move(*frame));
    talk();
  }

  /// As the service does it.
  void look(const hal::DetectionFrame& frame) {
    const auto finding = watch_.on_frame(frame);
    if (!finding || !defences_.watch) return;
    suspect_ = !finding->clean;
    if (finding->clean) return;
    alarms.push_back(finding->text);
    alarm_at.push_back(ended.size());
    bob_->discard(finding->text);
    talk();
  }

  void talk() {
    while (turn(*bob_, *alice_) || turn(*alice_, *bob_)) {
    }
  }

  bool turn(distill::Chain& from, distill::Chain& to) {
    bool moved = false;
    const bool bobs = &from == bob_.get();
    while (auto action = from.next_action()) {
      moved = true;
      if (auto* send = std::get_if<distill::Send>(&*action)) {
        REQUIRE(to.on_message(send->block, send->type, send->payload));
      } else if (const auto* made = std::get_if<distill::Amplified>(&*action); made && bobs) {
        ended.push_back({.key = true, .account = made->account, .known_to_eve = known_, .text = {}});
        known_ = 0;
      } else if (const auto* dropped = std::get_if<distill::Dropped>(&*action); dropped && bobs) {
        ended.push_back({.key = false, .account = dropped->account, .known_to_eve = known_, .text = dropped->text});
        known_ = 0;
      }
    }
    return moved;
  }

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
      if (helps && note->knows.bit != sent.bit) FAIL("what Eve notes is not what was sent");
      known_ += helps ? 1 : 0;
    }
  }

  std::uint64_t frame_slots_;  // 1 ms
  SeededRandom alice_random_;
  SeededRandom bob_random_;
  std::unique_ptr<distill::Chain> alice_;
  std::unique_ptr<distill::Chain> bob_;
  hal::watch::ClickWatch watch_;
  bool suspect_ = false;
  std::uint64_t known_ = 0;  // of the block that is being filled
  hal::Slot slot_ = 0;
  std::vector<std::uint32_t> packed_;
  std::vector<hal::Slot> slots_;
  std::vector<hal::Symbol> symbols_;
};

}  // namespace cloister::test
