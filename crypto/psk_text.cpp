#include "crypto/psk_text.hpp"

#include <algorithm>
#include <format>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "crypto/kdf.hpp"

namespace cloister::crypto {
namespace {

constexpr std::size_t label_characters = 4;
constexpr std::size_t checksum_bytes = 4;
constexpr std::size_t half_characters = label_characters + 2 * (4 + Psk::size + checksum_bytes);
constexpr std::size_t group_characters = 8;

/// The digit of a value below 16, without a table: secret bytes index nothing.
std::byte hex_digit(unsigned value) {
  return static_cast<std::byte>('0' + value + (((9U - value) >> 8U) & ('a' - '0' - 10U)));
}

/// 1 where `value` lies in [first, first + count), else 0, without a branch.
unsigned lies_in(unsigned value, unsigned first, unsigned count) {
  return (value - first - count) >> 31U & ~((value - first) >> 31U);
}

/// What is no digit sets a bit above the lowest eight.
unsigned hex_value(std::byte character) {
  const auto code = std::to_integer<unsigned>(character);
  const unsigned decimal = lies_in(code, '0', 10);
  const unsigned letter = lies_in(code | 0x20U, 'a', 6);
  const unsigned value = (code - '0') * decimal + ((code | 0x20U) - 'a' + 10U) * letter;
  return value | (1U ^ (decimal | letter)) << 8U;
}

void write_hex(std::span<const std::byte> bytes, std::span<std::byte> text) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = std::to_integer<unsigned>(bytes[i]);
    text[2 * i] = hex_digit(byte >> 4U);
    text[2 * i + 1] = hex_digit(byte & 15U);
  }
}

/// Reads all of it before it tells whether all of it was digits.
bool read_hex(std::span<const std::byte> text, std::span<std::byte> bytes) {
  unsigned seen = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const unsigned high = hex_value(text[2 * i]);
    const unsigned low = hex_value(text[2 * i + 1]);
    seen |= high | low;
    bytes[i] = static_cast<std::byte>(high << 4U | low);
  }
  return seen < 16U;
}

std::string_view label_of(unsigned number) { return number == 1 ? "1of2" : "2of2"; }

std::array<std::byte, checksum_bytes> checksum_of(const PskHalf& half) {
  const std::string_view context = half.number == 1 ? "cloister psk half 1of2" : "cloister psk half 2of2";
  const Mac256 mac = hmac_sha256(half.share.expose(), std::as_bytes(std::span{context}), half.pair);
  std::array<std::byte, checksum_bytes> checksum{};
  std::copy_n(mac.begin(), checksum.size(), checksum.begin());
  return checksum;
}

/// 0 for what begins as no half does.
unsigned half_number(std::span<const std::byte> text) {
  if (text.size() < label_characters) return 0;
  for (const unsigned number : {1U, 2U}) {
    if (std::ranges::equal(text.first(label_characters), label_of(number), [](std::byte typed, char expected) {
          return (std::to_integer<unsigned>(typed) | 0x20U) == (static_cast<unsigned>(expected) | 0x20U);
        }))
      return number;
  }
  return 0;
}

Result<std::variant<Psk, PskHalf>> parse_half(unsigned number, std::span<const std::byte> text) {
  const auto mistyped = [number](std::string_view why) {
    return fail(std::format("half {} of 2 is mistyped: {}: type it in as it was shown", number, why));
  };
  if (text.size() != half_characters)
    return mistyped(std::format("it has {} characters without spaces, not {}", text.size(), half_characters));
  PskHalf half{.number = number, .pair = {}, .share = {}};
  std::array<std::byte, checksum_bytes> checksum{};
  auto rest = text.subspan(label_characters);
  bool digits = true;
  for (const std::span<std::byte> field :
       {std::span<std::byte>{half.pair}, std::span<std::byte>{half.share.fill()}, std::span<std::byte>{checksum}}) {
    digits = read_hex(rest, field) && digits;
    rest = rest.subspan(2 * field.size());
  }
  if (!digits) return mistyped("what follows its label is not all hexadecimal digits");
  if (!equal_constant_time(checksum, checksum_of(half))) return mistyped("its checksum does not fit");
  return half;
}

}  // namespace

std::array<PskHalf, 2> split(const Psk& psk, Random& random) {
  PskHalf first{.number = 1, .pair = {}, .share = {}};
  random.fill(first.pair);
  random.fill(first.share.fill());
  PskHalf second{.number = 2, .pair = first.pair, .share = {}};
  std::ranges::transform(psk.expose(), first.share.expose(), second.share.fill().begin(), std::bit_xor{});
  return {std::move(first), std::move(second)};
}

Result<Psk> join(const PskHalf& one, const PskHalf& other) {
  if (one.number == other.number) {
    return fail(std::format("both are half {} of 2: a PSK is made of two, and the other courier has half {}",
                            one.number, 3 - one.number));
  }
  if (one.pair != other.pair)
    return fail("the two halves belong to two PSKs: their numbers, the eight digits behind '1of2' and '2of2', differ");
  Psk psk;
  std::ranges::transform(one.share.expose(), other.share.expose(), psk.fill().begin(), std::bit_xor{});
  return psk;
}

PskText to_text(const Psk& psk) {
  PskText text;
  write_hex(psk.expose(), text.fill());
  return text;
}

PskHalfText to_text(const PskHalf& half) {
  Secret<struct UngroupedRole, half_characters - label_characters> digits;
  write_hex(half.pair, digits.fill().first<8>());
  write_hex(half.share.expose(), digits.fill().subspan<8, 2 * Psk::size>());
  write_hex(checksum_of(half), digits.fill().last<2 * checksum_bytes>());
  PskHalfText text;
  auto out = std::ranges::copy(std::as_bytes(std::span{label_of(half.number)}), text.fill().begin()).out;
  for (std::size_t i = 0; i < digits.size; i += group_characters) {
    *out++ = std::byte{' '};
    out = std::copy_n(digits.expose().begin() + static_cast<std::ptrdiff_t>(i), group_characters, out);
  }
  require(out == text.fill().end(), "a half's text has another length");
  return text;
}

Result<std::variant<Psk, PskHalf>> parse_psk(std::span<const std::byte> line) {
  const auto refused = [] {
    return fail(
        "a PSK is 64 hexadecimal digits on one line, or two halves of one line each that begin with '1of2' and '2of2', "
        "as 'cloisterctl psk generate' shows it");
  };
  if (line.size() > psk_line_bytes_max) return refused();
  SecretVector<std::byte> text;
  text.reserve(psk_line_bytes_max);
  std::ranges::copy_if(line, std::back_inserter(text), [](std::byte character) {
    return character != std::byte{' '} && character != std::byte{'\t'} && character != std::byte{'\r'};
  });
  if (const unsigned number = half_number(text); number != 0) return parse_half(number, text);
  Psk psk;
  if (text.size() != 2 * Psk::size || !read_hex(text, psk.fill())) return refused();
  return psk;
}

}  // namespace cloister::crypto
