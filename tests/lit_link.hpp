#pragma once
/// A whole link in one thread, from pulses to keys: the simulated physics and both halves of the chain, in slots instead
/// of seconds.
///
///   light ─▶ fibre::Link (Eve in it) ─▶ frames ─▶ Bob's chain ⇄ Alice's chain ◀─ symbols of the same light

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "appliance/distill/chain.hpp"
#include "hal/fibre/link.hpp"
#include "hal/simulator/protocol.hpp"
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

class LitLink {
 public:
  static constexpr hal::Epoch epoch = 1;

  LitLink(const hal::fibre::LinkParameters& glass, const hal::simulator::SourceSettings& source,
          const distill::Parameters& parameters, std::uint64_t seed)
      : source_{source},
        light_{source, seed},
        fibre{glass, source, Light::generator(source, seed), seed + 1},
        frame_slots_{static_cast<std::uint64_t>(source.clock_hz * 1e-3)},
        alice_random_{seed + 2},
        bob_random_{seed + 3},
        alice_{distill::make_alice_chain(parameters, light_, alice_random_)},
        bob_{distill::make_bob_chain(parameters, bob_random_)} {
    alice_->start({1});
    bob_->start({1});
  }

  /// Until so many blocks have ended, with a key or without.
  void shine(std::size_t blocks) {
    for (const std::size_t enough = ended() + blocks; ended() < enough;) step();
  }
  /// For so long, whatever comes of it.
  void shine_for(double seconds) {
    for (const double end = this->seconds() + seconds; this->seconds() < end;) step();
  }

  [[nodiscard]] double seconds() const { return static_cast<double>(slot_) / source_.clock_hz; }
  [[nodiscard]] std::size_t ended() const { return keys_.size() + dropped.size(); }
  [[nodiscard]] const std::vector<distill::Account>& keys() const { return keys_; }

 private:
  hal::simulator::SourceSettings source_;
  Light light_;

 public:
  hal::fibre::Link fibre;
  std::vector<distill::Dropped> dropped;  // as Bob saw it

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
    bob_->on_frame(std::move(*frame));
    while (turn(*bob_, *alice_, keys_) || turn(*alice_, *bob_, alice_keys_)) {
    }
  }
  bool turn(distill::Chain& from, distill::Chain& to, std::vector<distill::Account>& made) {
    bool moved = false;
    while (auto action = from.next_action()) {
      moved = true;
      if (auto* send = std::get_if<distill::Send>(&*action))
        REQUIRE(to.on_message(send->block, send->type, send->payload));
      else if (const auto* amplified = std::get_if<distill::Amplified>(&*action))
        made.push_back(amplified->account);
      else if (&from == bob_.get())
        dropped.push_back(std::get<distill::Dropped>(*action));
    }
    return moved;
  }

  std::uint64_t frame_slots_;  // 1 ms
  SeededRandom alice_random_;
  SeededRandom bob_random_;
  std::unique_ptr<distill::Chain> alice_;
  std::unique_ptr<distill::Chain> bob_;
  hal::Slot slot_ = 0;
  std::vector<std::uint32_t> packed_;
  std::vector<distill::Account> keys_;
  std::vector<distill::Account> alice_keys_;
};

}  // namespace cloister::test
