#include "appliance/distill/lanes.hpp"

#include <algorithm>

namespace cloister::distill {

LaneOrder::LaneOrder(std::size_t words, std::uint64_t seed, WordOrder kind) : sources_(words) {
  PublicSequence sequence{seed};
  std::uint32_t* const sources = sources_.data();
  for (std::size_t i = 0; i < words; ++i) sources[i] = static_cast<std::uint32_t>(lanes * i);
  if (kind == WordOrder::rotated) {
    constexpr std::size_t rotations = 10;  // of six bits, in one number
    for (std::size_t first = 0; first < words; first += rotations) {
      std::uint64_t drawn = sequence.next();
      for (std::size_t i = first; i < std::min(words, first + rotations); ++i, drawn >>= 6U)
        sources[i] |= static_cast<std::uint32_t>(drawn % lanes);
    }
  }
  if (kind != WordOrder::shuffled_and_rotated) return;
  places_.resize(words);
  // One number for each word: the upper half picks whom it changes places with, the lowest bits its rotation.
  std::uint32_t* const places = places_.data();
  for (std::size_t i = words; i > 0; --i) {
    const std::uint64_t drawn = sequence.next();
    std::uint32_t& other = sources[((drawn >> 32U) * i) >> 32U];
    const std::uint32_t chosen = other;
    const auto rotation = static_cast<std::uint32_t>(drawn % lanes);
    other = sources[i - 1];
    sources[i - 1] = chosen | rotation;
    places[chosen / lanes] = static_cast<std::uint32_t>(lanes * (i - 1)) | rotation;
  }
}

void LaneOrder::prefixes(std::span<const std::uint64_t> bits, std::span<std::uint64_t> prefix) const {
  std::uint64_t sum = 0;
  prefix[0] = 0;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    sum ^= word(bits, i);
    prefix[i + 1] = sum;
  }
}

std::uint64_t LaneOrder::sum(std::span<const std::uint64_t> bits, std::size_t first, std::size_t last) const {
  std::uint64_t sum = 0;
  for (std::size_t i = first; i < last; ++i) sum ^= word(bits, i);
  return sum;
}

}  // namespace cloister::distill
