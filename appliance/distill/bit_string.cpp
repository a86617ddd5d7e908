#include "appliance/distill/bit_string.hpp"

#include <bit>
#include <cstring>

#include "crypto/bits.hpp"

namespace cloister::distill {
static_assert(std::endian::native == std::endian::little, "bytes of a word lie in the order of the wire");
namespace {

CLOISTER_WORDS std::size_t ones_of(const std::uint64_t* words, std::size_t count) {
  std::size_t ones = 0;
  for (std::size_t i = 0; i < count; ++i) ones += static_cast<std::size_t>(std::popcount(words[i]));
  return ones;
}

CLOISTER_WORDS std::size_t ones_of_both(const std::uint64_t* one, const std::uint64_t* other, std::size_t count) {
  std::size_t ones = 0;
  for (std::size_t i = 0; i < count; ++i) ones += static_cast<std::size_t>(std::popcount(one[i] & other[i]));
  return ones;
}

}  // namespace

std::optional<BitString> BitString::unpacked(std::span<const std::byte> bytes, std::size_t bits) {
  if (bytes.size() != (bits + 7) / 8) return std::nullopt;
  if (bits % 8 != 0 && std::to_integer<unsigned>(bytes.back()) >> (bits % 8) != 0) return std::nullopt;
  BitString out{bits};
  if (!bytes.empty()) std::memcpy(out.words_.data(), bytes.data(), bytes.size());
  return out;
}

std::vector<std::byte> BitString::packed() const {
  const auto bytes = std::as_bytes(words()).first((bits_ + 7) / 8);
  return {bytes.begin(), bytes.end()};
}

void BitString::append(const BitString& more) {
  crypto::join_bits(words_, bits_, more.words_, more.bits_);
  bits_ += more.bits_;
}

BitString BitString::inverted() const {
  BitString out{bits_};
  for (std::size_t i = 0; i < words_.size(); ++i) out.words_[i] = ~words_[i];
  if (bits_ % 64 != 0) out.words_.back() &= (std::uint64_t{1} << (bits_ % 64)) - 1;
  return out;
}

std::size_t count_ones(std::span<const std::uint64_t> words) { return ones_of(words.data(), words.size()); }

std::size_t count_both(const BitString& one, const BitString& other) {
  return ones_of_both(one.words().data(), other.words().data(), one.words().size());
}

}  // namespace cloister::distill
