#include "tests/simulation/light.hpp"

#include <random>

#include "tests/simulation/toy_chain.hpp"
#include "tests/synthetic_light.hpp"

namespace cloister::simulation {
using namespace std::chrono_literals;
namespace {

class ToyBlocks final : public Light {
 public:
  explicit ToyBlocks(std::uint64_t seed) : light_{.seed = seed * 0xD1342543DE82EF95U + 1, .disturbed = {}} {}

  const distill::Parameters& parameters() const override { return parameters_; }
  std::unique_ptr<distill::Chain> make_chain(std::size_t box, crypto::Random&) override {
    return box == 0 ? make_toy_alice(light_) : make_toy_bob(light_);
  }
  Duration interval() const override { return 150ms; }
  hal::DetectionFrame shine() override {
    constexpr std::uint64_t key_bits = 6144;
    constexpr std::uint64_t dim_bits = 512;  // a quarter of it is less than two pads
    hal::DetectionFrame frame{.epoch = 1, .first = next_, .slots = dim_ ? dim_bits : key_bits, .detections = {}};
    if (disturbed_) light_.disturbed.insert(next_);
    next_ += frame.slots;
    return frame;
  }

 private:
  distill::Parameters parameters_;
  ToyLight light_;
  hal::Slot next_ = 0;
};

/// Blocks of 1e5 bits, with eps_sec loose enough that the finite-key formulas give a key from them.
distill::Parameters loose_parameters() {
  distill::Parameters parameters;
  parameters.bound = distill::Bound::rusca2018;  // of so few bits it gives the most
  parameters.intensities = {0.5, 0.15};
  parameters.probabilities = {0.6, 0.4};
  parameters.eps_sec = 1e-2;
  parameters.eps_cor = 1e-9;
  parameters.block_bits = 100'000;
  return parameters;
}

class SyntheticBlocks final : public Light {
 public:
  explicit SyntheticBlocks(std::uint64_t seed)
      : parameters_{loose_parameters()}, source_{parameters_, z_probability, seed}, chance_{~seed} {}

  const distill::Parameters& parameters() const override { return parameters_; }
  std::unique_ptr<distill::Chain> make_chain(std::size_t box, crypto::Random& random) override {
    return box == 0 ? distill::make_alice_chain(parameters_, source_, random)
                    : distill::make_bob_chain(parameters_, random);
  }
  Duration interval() const override { return 100ms; }
  /// A third of a block. At 7 % of errors nothing is left of so few bits.
  hal::DetectionFrame shine() override {
    constexpr std::size_t detections = 75'000;
    const double error = disturbed_ ? 0.25 : dim_ ? 0.07 : 0.003;
    return test::detect(source_, slot_, detections, z_probability, error, chance_);
  }

 private:
  static constexpr double z_probability = 0.7;
  distill::Parameters parameters_;
  test::SyntheticSource source_;
  std::mt19937_64 chance_;
  hal::Slot slot_ = 0;
};

}  // namespace

std::unique_ptr<Light> make_light(Speed speed, std::uint64_t seed) {
  if (speed == Speed::store) return std::make_unique<ToyBlocks>(seed);
  return std::make_unique<SyntheticBlocks>(seed);
}

}  // namespace cloister::simulation
