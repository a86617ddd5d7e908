#include "appliance/distill/lanes.hpp"

#include <bit>
#include <numeric>

namespace cloister::distill {

LaneOrder::LaneOrder(std::size_t words, std::uint64_t seed, bool identity)
    : source_(words), place_(words), rotation_(words) {
  std::iota(source_.begin(), source_.end(), 0U);
  if (!identity) {
    PublicSequence sequence{seed};
    // One number for each word: the upper half picks whom it changes places with, the lowest bits its rotation.
    for (std::size_t i = words; i > 0; --i) {
      const std::uint64_t drawn = sequence.next();
      std::swap(source_[i - 1], source_[((drawn >> 32U) * i) >> 32U]);
      rotation_[i - 1] = static_cast<std::uint8_t>(drawn & 63U);
    }
  }
  for (std::size_t i = 0; i < words; ++i) place_[source_[i]] = static_cast<std::uint32_t>(i);
}

LanePosition LaneOrder::position_of(std::size_t bit) const {
  const std::uint32_t word = place_[bit / 64];
  return {static_cast<std::uint8_t>((bit + rotation_[word]) % 64), word};
}

std::size_t LaneOrder::bit_at(const LanePosition& position) const {
  return std::size_t{source_[position.word]} * 64 + (64U + position.lane - rotation_[position.word]) % 64U;
}

void LaneOrder::prefixes(std::span<const std::uint64_t> bits, std::span<std::uint64_t> prefix) const {
  std::uint64_t sum = 0;
  prefix[0] = 0;
  for (std::size_t i = 0; i < source_.size(); ++i) {
    sum ^= std::rotl(bits[source_[i]], rotation_[i]);
    prefix[i + 1] = sum;
  }
}

}  // namespace cloister::distill
