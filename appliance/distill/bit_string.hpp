#pragma once
/// A string of bits that is public, or will be when it is sent: bases, parities, which detections were kept.
///
/// Bit i is bit (i mod 64) of word (i / 64), least significant first; on the wire bit (i mod 8) of byte (i / 8). Bits
/// past the end are zero, always.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

/// A loop over words: compiled for what has BMI2 and AVX2 as well, chosen when the program starts. That is before the
/// thread sanitizer has begun, which cannot bear it.
#ifdef __SANITIZE_THREAD__
#define CLOISTER_WORDS
#else
#define CLOISTER_WORDS [[gnu::target_clones("arch=x86-64-v3", "default")]]
#endif

namespace cloister::distill {

[[nodiscard]] std::size_t count_ones(std::span<const std::uint64_t> words);

class BitString {
 public:
  BitString() = default;
  explicit BitString(std::size_t bits) : words_((bits + 63) / 64), bits_{bits} {}
  /// A missing or a needless byte, or padding that is not zero, is refused.
  [[nodiscard]] static std::optional<BitString> unpacked(std::span<const std::byte> bytes, std::size_t bits);
  bool operator==(const BitString&) const = default;

  [[nodiscard]] std::size_t size() const { return bits_; }
  [[nodiscard]] bool get(std::size_t index) const { return ((words_[index / 64] >> (index % 64)) & 1U) != 0; }
  void set(std::size_t index) { words_[index / 64] |= std::uint64_t{1} << (index % 64); }
  void append(const BitString& more);
  /// How many are one.
  [[nodiscard]] std::size_t count() const { return count_ones(words_); }
  [[nodiscard]] BitString inverted() const;
  [[nodiscard]] std::vector<std::byte> packed() const;

  [[nodiscard]] std::span<const std::uint64_t> words() const { return words_; }
  /// For filling; bits past the end must be left zero.
  [[nodiscard]] std::span<std::uint64_t> fill() { return words_; }

 private:
  std::vector<std::uint64_t> words_;
  std::size_t bits_ = 0;
};

/// How many are one in both; the strings are equally long.
[[nodiscard]] std::size_t count_both(const BitString& one, const BitString& other);

}  // namespace cloister::distill
