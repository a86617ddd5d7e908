#include "appliance/distill/gap_code.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace cloister::distill {
namespace {

/// Gaps of a minute at 1 GHz; with it and the limit below no sum of gaps overflows 62 bits.
constexpr unsigned width_max = 36;
constexpr std::size_t upper_bytes_max = std::size_t{1} << 22U;
/// The position before position 0.
constexpr std::uint64_t before_all = ~std::uint64_t{0};

/// The best width for geometric gaps of this mean (Kiely, IPN Progress Report 42-159 (2004)).
unsigned width_for(std::uint64_t sum, std::size_t count) {
  if (sum == 0) return 0;
  const double golden = (std::sqrt(5.0) - 1) / 2;
  const double mean = static_cast<double>(sum) / static_cast<double>(count);
  const double width = std::ceil(std::log2(std::log(golden) / std::log(mean / (mean + 1))));
  return static_cast<unsigned>(std::clamp(width, 0.0, double{width_max}));
}

std::span<const std::byte> bytes_of(const std::vector<std::uint64_t>& words, std::size_t bits) {
  return std::as_bytes(std::span{words}).first((bits + 7) / 8);
}

/// With a word to spare behind it, so that a field may be read wherever it begins.
std::vector<std::uint64_t> words_of(std::span<const std::byte> bytes) {
  std::vector<std::uint64_t> words(bytes.size() / 8 + 2);
  if (!bytes.empty()) std::memcpy(words.data(), bytes.data(), bytes.size());
  return words;
}

/// A field of up to 57 bits from where it begins.
std::uint64_t field_at(const std::uint64_t* words, std::size_t bit) {
  std::uint64_t field = 0;
  std::memcpy(&field, reinterpret_cast<const std::byte*>(words) + bit / 8, sizeof field);
  return field >> (bit % 8);
}

/// Both streams of the positions, and how long the second is.
CLOISTER_WORDS std::size_t write_positions(const std::uint64_t* positions, std::size_t count, std::uint64_t before,
                                           unsigned width, std::uint64_t* low, std::uint64_t* upper) {
  const std::uint64_t low_mask = (std::uint64_t{1} << width) - 1;
  std::uint64_t low_word = 0;
  unsigned low_filled = 0;
  std::size_t upper_bit = 0;
  std::size_t upper_at = 0;
  std::uint64_t upper_word = 0;
  std::uint64_t previous = before;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t gap = positions[i] - previous - 1;
    previous = positions[i];
    const std::uint64_t field = gap & low_mask;
    low_word |= field << low_filled;
    low_filled += width;
    if (low_filled >= 64) {
      *low++ = low_word;
      low_filled -= 64;
      low_word = low_filled == 0 ? 0 : field >> (width - low_filled);
    }
    upper_bit += gap >> width;
    if (upper_bit / 64 != upper_at) {
      upper[upper_at] = upper_word;
      upper_word = 0;
      upper_at = upper_bit / 64;
    }
    upper_word |= std::uint64_t{1} << (upper_bit % 64);
    ++upper_bit;
  }
  *low = low_word;
  upper[upper_at] = upper_word;
  return upper_bit;
}

/// As many positions as `upper` has ones; the last one.
CLOISTER_WORDS std::uint64_t fill_positions(const std::uint64_t* low, const std::uint64_t* upper,
                                            std::size_t upper_words, unsigned width, std::uint64_t* out,
                                            std::uint64_t before) {
  const std::uint64_t low_mask = (std::uint64_t{1} << width) - 1;
  std::uint64_t position = before;
  std::size_t low_bit = 0;
  std::size_t next_upper = 0;
  for (std::size_t at = 0; at < upper_words; ++at) {
    for (std::uint64_t left = upper[at]; left != 0; left &= left - 1) {
      const std::size_t upper_bit = 64 * at + static_cast<std::size_t>(std::countr_zero(left));
      position += (((upper_bit - next_upper) << width) | (field_at(low, low_bit) & low_mask)) + 1;
      *out++ = position;
      next_upper = upper_bit + 1;
      low_bit += width;
    }
  }
  return position;
}

}  // namespace

void put_positions(wire::Writer& out, std::span<const std::uint64_t> positions, std::uint64_t before) {
  const std::size_t count = positions.size();
  const std::uint64_t sum = count == 0 ? 0 : positions.back() - before - count;
  const unsigned width = width_for(sum, count);
  std::vector<std::uint64_t> low(count * width / 64 + 2);
  std::vector<std::uint64_t> upper(((sum >> width) + count) / 64 + 1);
  const std::size_t upper_bits = write_positions(positions.data(), count, before, width, low.data(), upper.data());
  out.u8(static_cast<std::uint8_t>(width)).bytes(bytes_of(low, count * width));
  out.varint((upper_bits + 7) / 8).bytes(bytes_of(upper, upper_bits));
}

bool take_positions(wire::Reader& in, std::span<std::uint64_t> positions, std::uint64_t before,
                    std::uint64_t last_max) {
  const std::size_t count = positions.size();
  const auto width = in.u8();
  if (!width || *width > width_max) return false;
  const std::size_t low_bits = count * *width;
  const auto low_bytes = in.bytes((low_bits + 7) / 8);
  const auto upper_count = in.varint();
  if (!low_bytes || !upper_count || *upper_count > upper_bytes_max) return false;
  const auto upper_bytes = in.bytes(*upper_count);
  if (!upper_bytes) return false;
  if (low_bits % 8 != 0 && std::to_integer<unsigned>(low_bytes->back()) >> (low_bits % 8) != 0) return false;
  if (!upper_bytes->empty() && upper_bytes->back() == std::byte{0}) return false;
  const auto low = words_of(*low_bytes);
  const auto upper = words_of(*upper_bytes);
  if (count_ones(upper) != count) return false;

  const std::uint64_t last = fill_positions(low.data(), upper.data(), upper.size(), *width, positions.data(), before);
  return count == 0 || last <= last_max;
}

void put_biased(wire::Writer& out, const BitString& bits) {
  const std::size_t ones = bits.count();
  const bool ones_common = ones > bits.size() / 2;
  const BitString rare = ones_common ? bits.inverted() : bits;
  std::vector<std::uint64_t> positions(ones_common ? bits.size() - ones : ones);
  std::size_t next = 0;
  for (std::size_t at = 0; at < rare.words().size(); ++at) {
    for (std::uint64_t left = rare.words()[at]; left != 0; left &= left - 1)
      positions[next++] = 64 * at + static_cast<std::size_t>(std::countr_zero(left));
  }
  out.u8(ones_common ? 1 : 0).varint(positions.size());
  put_positions(out, positions, before_all);
}

std::optional<BitString> take_biased(wire::Reader& in, std::size_t size) {
  const auto ones_common = in.u8();
  const auto count = in.varint();
  if (!ones_common || *ones_common > 1 || !count || *count > size / 2) return std::nullopt;
  std::vector<std::uint64_t> positions(*count);
  if (!take_positions(in, positions, before_all, size - 1)) return std::nullopt;
  BitString rare{size};
  for (const std::uint64_t position : positions) rare.set(position);
  return *ones_common == 1 ? rare.inverted() : rare;
}

}  // namespace cloister::distill
