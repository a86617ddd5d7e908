#include "appliance/distill/gather.hpp"

#include <immintrin.h>

#include <bit>

#include "crypto/error.hpp"

namespace cloister::distill {
namespace {

/// Puts runs of up to 64 bits one after the other.
class Joiner {
 public:
  explicit Joiner(std::span<std::uint64_t> out) : at_{out.data()} {}
  void add(std::uint64_t run, unsigned bits) {
    held_ |= run << filled_;
    if (filled_ + bits >= 64) {
      *at_++ = held_;
      held_ = filled_ == 0 ? 0 : run >> (64 - filled_);
      filled_ -= 64;
    }
    filled_ += bits;
  }
  void finish() {
    if (filled_ != 0) *at_ = held_;
  }

 private:
  std::uint64_t* at_;
  std::uint64_t held_ = 0;
  unsigned filled_ = 0;
};

/// Hacker's Delight (Warren, 2nd edition), 7-4: bits move right in six steps, each by the next bit of how many zeros of
/// the mask are below them.
std::uint64_t compress(std::uint64_t bits, std::uint64_t mask) {
  bits &= mask;
  std::uint64_t zeros = ~mask << 1U;
  for (unsigned step = 0; step < 6; ++step) {
    std::uint64_t parity = zeros;
    for (unsigned shift = 1; shift < 64; shift *= 2) parity ^= parity << shift;
    const std::uint64_t moving = parity & mask;
    mask = (mask ^ moving) | (moving >> (1U << step));
    const std::uint64_t moved = bits & moving;
    bits = (bits ^ moved) | (moved >> (1U << step));
    zeros &= ~parity;
  }
  return bits;
}

std::size_t portable(std::span<const std::uint64_t> bits, std::span<const std::uint64_t> mask,
                     std::span<std::uint64_t> out) {
  Joiner joiner{out};
  std::size_t count = 0;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    const auto ones = static_cast<unsigned>(std::popcount(mask[i]));
    joiner.add(compress(bits[i], mask[i]), ones);
    count += ones;
  }
  joiner.finish();
  return count;
}

[[gnu::target("bmi2,popcnt")]] std::size_t bmi2(std::span<const std::uint64_t> bits,
                                                std::span<const std::uint64_t> mask, std::span<std::uint64_t> out) {
  Joiner joiner{out};
  std::size_t count = 0;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    const auto ones = static_cast<unsigned>(_mm_popcnt_u64(mask[i]));
    joiner.add(_pext_u64(bits[i], mask[i]), ones);
    count += ones;
  }
  joiner.finish();
  return count;
}

std::size_t run(std::span<const std::uint64_t> bits, std::span<const std::uint64_t> mask,
                std::span<std::uint64_t> out) {
  static const GatherKernel kernel = cpu_has_bmi2() ? bmi2 : portable;
  return kernel(bits, mask, out);
}

}  // namespace

GatherKernel gather_portable() { return portable; }
GatherKernel gather_bmi2() { return bmi2; }
bool cpu_has_bmi2() { return __builtin_cpu_supports("bmi2") != 0 && __builtin_cpu_supports("popcnt") != 0; }

BitString gather(const BitString& bits, const BitString& mask) {
  require(bits.size() == mask.size(), "the mask is as long as the bits");
  BitString out{mask.count()};
  run(bits.words(), mask.words(), out.fill());
  return out;
}

crypto::SecretBits gather(const crypto::SecretBits& bits, const BitString& mask) {
  require(bits.size_bits() == mask.size(), "the mask is as long as the bits");
  crypto::SecretBits out{mask.count()};
  run(bits.expose(), mask.words(), out.fill());
  return out;
}

BitString scatter(const BitString& bits, const BitString& mask) {
  require(bits.size() == mask.count(), "as many bits as places");
  BitString out{mask.size()};
  if (bits.count() == 0) return out;
  std::size_t next = 0;
  for (std::size_t word = 0; word < mask.words().size(); ++word) {
    for (std::uint64_t left = mask.words()[word]; left != 0; left &= left - 1) {
      if (bits.get(next++)) out.fill()[word] |= left & -left;
    }
  }
  return out;
}

}  // namespace cloister::distill
