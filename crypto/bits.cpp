#include "crypto/bits.hpp"

#include "crypto/error.hpp"

namespace cloister::crypto {

void SecretBits::set(std::size_t index, bool value) {
  const std::uint64_t mask = std::uint64_t{1} << (index % 64);
  const std::uint64_t all = ~(std::uint64_t{value} - 1);
  words_[index / 64] = (words_[index / 64] & ~mask) | (all & mask);
}

SecretBits SecretBits::slice(std::size_t first, std::size_t count) const {
  require(first + count <= bits_, "a slice of bits ends past the string");
  SecretBits out{count};
  const std::size_t word = first / 64;
  const std::size_t shift = first % 64;
  for (std::size_t i = 0; i < out.words_.size(); ++i) {
    out.words_[i] = words_[word + i] >> shift;
    if (shift != 0 && word + i + 1 < words_.size()) out.words_[i] |= words_[word + i + 1] << (64 - shift);
  }
  if (count % 64 != 0) out.words_.back() &= (std::uint64_t{1} << (count % 64)) - 1;
  return out;
}

}  // namespace cloister::crypto
