// What is written is read; what is cut short is refused, at every byte.
#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <limits>

#include "appliance/wire/reader.hpp"
#include "appliance/wire/writer.hpp"

namespace cloister::wire {
namespace {

std::vector<std::byte> sample() {
  Writer out;
  out.u8(0xAB)
      .u16(0xABCD)
      .u32(0x12345678)
      .u64(0x0123456789ABCDEFU)
      .f64(-0.15)
      .varint(300)
      .block_id({7})
      .key_name({{8}, 9})
      .text("paris")
      .bytes(std::array{std::byte{1}, std::byte{2}});
  return std::move(out).take();
}

bool reads(std::span<const std::byte> bytes) {
  Reader in{bytes};
  return in.u8() == 0xAB && in.u16() == 0xABCD && in.u32() == 0x12345678U && in.u64() == 0x0123456789ABCDEFU &&
         in.f64() == -0.15 && in.varint() == 300U && in.block_id() == BlockId{7} && in.key_name() == KeyName{{8}, 9} &&
         in.text(5) == "paris" && in.bytes(2).has_value() && in.at_end();
}

TEST_CASE("Everything written is read alike, and nothing of it when a byte is missing", "[wire]") {
  const auto bytes = sample();
  CHECK(reads(bytes));
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    // In memory of exactly that size, so that a sanitizer sees a read beyond it.
    const std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
    REQUIRE_FALSE(reads(cut));
  }
}

TEST_CASE("Integers are big endian", "[wire]") {
  Writer out;
  out.u32(0x01020304);
  CHECK(std::ranges::equal(out.view(), std::array{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}}));
}

TEST_CASE("After bytes ran out nothing more is read, even if it would fit", "[wire]") {
  const std::array bytes{std::byte{1}, std::byte{2}};
  Reader in{bytes};
  CHECK_FALSE(in.u32());
  CHECK_FALSE(in.u8());
  CHECK_FALSE(in.at_end());
}

TEST_CASE("A varint has one form: the shortest", "[wire]") {
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, std::uint64_t{1} << 35U,
                                    std::numeric_limits<std::uint64_t>::max()}) {
    Writer out;
    out.varint(value);
    CHECK(Reader{out.view()}.varint() == value);
  }
  const std::array padded{std::byte{0x80}, std::byte{0x00}};
  CHECK_FALSE(Reader{padded}.varint());
  const std::vector<std::byte> endless(11, std::byte{0xFF});
  CHECK_FALSE(Reader{endless}.varint());
  std::vector<std::byte> beyond(10, std::byte{0xFF});
  beyond[9] = std::byte{0x02};
  CHECK_FALSE(Reader{beyond}.varint());
}

TEST_CASE("A text beyond its limit, and a number that is none, are refused", "[wire]") {
  Writer out;
  out.text("geneva");
  CHECK_FALSE(Reader{out.view()}.text(5));
  Writer number;
  number.u64(0x7FF8000000000000U);
  CHECK_FALSE(Reader{number.view()}.f64());
  Writer infinite;
  infinite.u64(0x7FF0000000000000U);
  CHECK_FALSE(Reader{infinite.view()}.f64());
}

}  // namespace
}  // namespace cloister::wire
