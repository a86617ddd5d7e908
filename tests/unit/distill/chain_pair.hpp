#pragma once
/// Both halves of the chain in one thread, with a hook on every message between them.

#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "appliance/distill/chain.hpp"
#include "tests/seeded_random.hpp"
#include "tests/synthetic_light.hpp"

namespace cloister::distill::test_pair {

inline constexpr double z_probability = 0.7;

/// Small blocks, with eps_sec loose enough that they give a key.
inline Parameters parameters() {
  Parameters parameters;
  parameters.intensities = {0.5, 0.15};
  parameters.probabilities = {0.6, 0.4};
  parameters.eps_sec = 1e-2;
  parameters.eps_cor = 1e-9;
  parameters.block_bits = 60'000;
  return parameters;
}

struct Pair {
  explicit Pair(std::uint64_t seed, double error, const Parameters& settings = parameters())
      : source{settings, z_probability, seed},
        alice_random{2 * seed},
        bob_random{2 * seed + 1},
        alice{make_alice_chain(settings, source, alice_random)},
        bob{make_bob_chain(settings, bob_random)},
        chance{seed},
        error_probability{error} {
    alice->start({1});
    bob->start({1});
  }

  test::SyntheticSource source;
  cloister::test::SeededRandom alice_random;
  cloister::test::SeededRandom bob_random;
  std::unique_ptr<Chain> alice;
  std::unique_ptr<Chain> bob;
  std::mt19937_64 chance;
  double error_probability;
  hal::Slot slot = 0;
  std::vector<Amplified> made_by_alice;
  std::vector<Amplified> made_by_bob;
  std::vector<Dropped> dropped_by_alice;
  std::vector<Dropped> dropped_by_bob;
  std::size_t messages = 0;
  std::function<void(Send&, std::size_t number)> meddle = [](Send&, std::size_t) {};
  bool refused = false;

  void shine(std::size_t detections = 20'000) {
    auto frame = test::detect(source, slot, detections, z_probability, error_probability, chance);
    if (bob->wants_frame()) bob->on_frame(std::move(frame));
    while (!refused &&
           (turn(*bob, *alice, made_by_bob, dropped_by_bob) || turn(*alice, *bob, made_by_alice, dropped_by_alice))) {
    }
  }

  bool turn(Chain& from, Chain& to, std::vector<Amplified>& made, std::vector<Dropped>& dropped) {
    bool moved = false;
    while (auto action = from.next_action()) {
      moved = true;
      if (auto* send = std::get_if<Send>(&*action)) {
        meddle(*send, messages++);
        if (!to.on_message(send->block, send->type, send->payload)) {
          refused = true;
          return false;
        }
      } else if (auto* amplified = std::get_if<Amplified>(&*action))
        made.push_back(std::move(*amplified));
      else
        dropped.push_back(std::move(std::get<Dropped>(*action)));
    }
    return moved;
  }
};

}  // namespace cloister::distill::test_pair
