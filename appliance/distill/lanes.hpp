#pragma once
/// The order in which a pass of Cascade looks at the bits of a block.
///
/// A block of n bits is W = ceil(n / 64) words. A pass permutes the words and rotates each, both drawn from a public
/// seed, and then reads the bits lane by lane: lane b is bit b of all words in their new order. A range is a run of
/// words in one lane; its parity is one bit of the XOR of two prefix words. Errors that were neighbours come into other
/// lanes and other places in each pass. A pass over whole lanes only rotates: which lane a bit is in does not depend on
/// where its word stands.

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "crypto/secret.hpp"

namespace cloister::distill {

/// Words [first, last) of one lane.
struct LaneRange {
  std::uint8_t lane = 0;
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  auto operator<=>(const LaneRange&) const = default;
};

struct LanePosition {
  std::uint8_t lane = 0;
  std::uint32_t word = 0;
};

/// Numbers that both boxes draw alike from a public seed (SplitMix64, Steele et al., OOPSLA 2014); nothing secret
/// depends on them.
class PublicSequence {
 public:
  explicit PublicSequence(std::uint64_t seed) : state_{seed} {}
  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t value = state_;
    value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9U;
    value = (value ^ (value >> 27U)) * 0x94D049BB133111EBU;
    return value ^ (value >> 31U);
  }

 private:
  std::uint64_t state_;
};

/// What a pass does to the words of a frame.
enum class WordOrder : std::uint8_t { as_they_are, rotated, shuffled_and_rotated };

class LaneOrder {
 public:
  LaneOrder(std::size_t words, std::uint64_t seed, WordOrder kind);
  [[nodiscard]] LanePosition position_of(std::size_t bit) const {
    const std::uint32_t place = (places_.empty() ? sources_ : places_)[bit / lanes];
    return {static_cast<std::uint8_t>((bit + place) % lanes), place / lanes};
  }
  [[nodiscard]] std::size_t bit_at(const LanePosition& position) const {
    const std::uint32_t source = sources_[position.word];
    return std::size_t{source / lanes} * lanes + (position.lane - source) % lanes;
  }
  /// Word i of this order.
  [[nodiscard]] std::uint64_t word(std::span<const std::uint64_t> bits, std::size_t i) const {
    const std::uint32_t source = sources_[i];
    return std::rotl(bits[source / lanes], static_cast<int>(source % lanes));
  }
  /// The XOR of words [first, last) of this order.
  [[nodiscard]] std::uint64_t sum(std::span<const std::uint64_t> bits, std::size_t first, std::size_t last) const;
  /// prefix[j] is the XOR of the first j words in this order; prefix has one word more than `bits`.
  void prefixes(std::span<const std::uint64_t> bits, std::span<std::uint64_t> prefix) const;

 private:
  static constexpr std::uint32_t lanes = 64;
  // A word's number times 64, and how far it is rotated to the left.
  std::vector<std::uint32_t> sources_;  // of each word of the order, its word in the frame
  std::vector<std::uint32_t> places_;   // of each word of the frame, its word in the order; empty: the same
};

/// The parity of a range, from prefix words.
[[nodiscard]] inline bool parity(std::span<const std::uint64_t> prefix, const LaneRange& range) {
  return (((prefix[range.last] ^ prefix[range.first]) >> range.lane) & 1U) != 0;
}

}  // namespace cloister::distill
