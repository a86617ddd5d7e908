#pragma once
/// Distillation that costs nothing: the product's chain interface, with blocks of a few hundred bits. Both ends know the
/// same light; what they say to each other has the shape of the real thing and none of its work.
///
///   Bob  SIFT{slot, bits} ──▶  Alice   ◀── ANSWER   VERDICT ──▶   Amplified ◀── AMPLIFY   Amplified
///        DROP where the light was disturbed

#include <memory>
#include <set>

#include "appliance/distill/chain.hpp"

namespace cloister::simulation {

/// What came through the fibre: a block's bits are a function of the slot in which it began.
struct ToyLight {
  std::uint64_t seed = 0;
  std::set<hal::Slot> disturbed;  // by an eavesdropper: blocks that began there
};

/// A frame is a block: it begins in slot `first` and has as many key bits as slots. `light` outlives the chain.
[[nodiscard]] std::unique_ptr<distill::Chain> make_toy_alice(const ToyLight& light);
[[nodiscard]] std::unique_ptr<distill::Chain> make_toy_bob(const ToyLight& light);

}  // namespace cloister::simulation
