#pragma once
/// Bit strings in secret memory: sifted, corrected and amplified keys.
///
/// Bit i is bit (i mod 64) of word (i / 64), least significant first; as bytes, little endian, so bit i is bit (i mod
/// 8) of byte (i / 8). Bits past the end are zero, always.

#include <cstddef>
#include <cstdint>
#include <span>

#include "crypto/secret.hpp"

namespace cloister::crypto {

/// Joins the first `count` bits of `more` to the `bits` bits in `words`. Bits past the end are zero in both.
template <class Words>
void join_bits(Words& words, std::size_t bits, std::span<const std::uint64_t> more, std::size_t count) {
  const std::size_t shift = bits % 64;
  words.resize((bits + count + 63) / 64);
  for (std::size_t i = 0; i < (count + 63) / 64; ++i) {
    const std::size_t at = bits / 64 + i;
    words[at] |= more[i] << shift;
    if (shift != 0 && at + 1 < words.size()) words[at + 1] |= more[i] >> (64 - shift);
  }
}

class SecretBits {
 public:
  SecretBits() = default;
  explicit SecretBits(std::size_t bits) : words_((bits + 63) / 64), bits_{bits} {}
  SecretBits(SecretBits&&) noexcept = default;
  SecretBits& operator=(SecretBits&&) noexcept = default;
  SecretBits(const SecretBits&) = delete;
  SecretBits& operator=(const SecretBits&) = delete;
  bool operator==(const SecretBits&) const = delete;

  [[nodiscard]] std::size_t size_bits() const { return bits_; }
  [[nodiscard]] bool empty() const { return bits_ == 0; }
  [[nodiscard]] bool get(std::size_t index) const { return ((words_[index / 64] >> (index % 64)) & 1U) != 0; }
  void set(std::size_t index, bool value);
  void flip(std::size_t index) { words_[index / 64] ^= std::uint64_t{1} << (index % 64); }
  void append(const SecretBits& more) {
    join_bits(words_, bits_, more.words_, more.bits_);
    bits_ += more.bits_;
  }
  /// A copy of bits [first, first + count); the caller names why by the type it moves them into.
  [[nodiscard]] SecretBits slice(std::size_t first, std::size_t count) const;

  [[nodiscard]] std::span<const std::uint64_t> expose() const { return words_; }
  /// For filling; bits past the end must be left zero.
  [[nodiscard]] std::span<std::uint64_t> fill() { return words_; }
  /// The first size_bits() / 8 whole bytes.
  [[nodiscard]] std::span<const std::byte> expose_bytes() const {
    return std::as_bytes(std::span{words_}).first(bits_ / 8);
  }

 private:
  SecretVector<std::uint64_t> words_;
  std::size_t bits_ = 0;
};

}  // namespace cloister::crypto
