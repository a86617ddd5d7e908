#pragma once
/// What comes through the fibre in a run, and the chains that make key of it: toy blocks, or real ones of synthetic light.

#include <cstdint>
#include <memory>

#include "appliance/distill/chain.hpp"
#include "tests/simulation/speed.hpp"
#include "tests/simulation/virtual_world.hpp"

namespace cloister::simulation {

class Light {
 public:
  virtual ~Light() = default;
  [[nodiscard]] virtual const distill::Parameters& parameters() const = 0;
  [[nodiscard]] virtual std::unique_ptr<distill::Chain> make_chain(std::size_t box, crypto::Random& random) = 0;
  /// From frame to frame.
  [[nodiscard]] virtual Duration interval() const = 0;
  /// The receiver's next frame.
  [[nodiscard]] virtual hal::DetectionFrame shine() = 0;

  /// An eavesdropper is in the line.
  void disturb(bool so) { disturbed_ = so; }
  /// Blocks give too little, and are made all the same.
  void dim(bool so) { dim_ = so; }
  [[nodiscard]] bool lavish() const { return dim_ || disturbed_; }

 protected:
  bool disturbed_ = false;
  bool dim_ = false;
};

[[nodiscard]] std::unique_ptr<Light> make_light(Speed speed, std::uint64_t seed);

}  // namespace cloister::simulation
