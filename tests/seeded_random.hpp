#pragma once
/// Randomness that a seed repeats.

#include <cstdint>
#include <random>
#include <span>

#include "crypto/random.hpp"

namespace cloister::test {

class SeededRandom final : public crypto::Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : generator_{seed} {}
  void fill(std::span<std::byte> out) override {
    for (auto& byte : out) byte = static_cast<std::byte>(generator_() >> 56U);
  }

 private:
  std::mt19937_64 generator_;
};

}  // namespace cloister::test
