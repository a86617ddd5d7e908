// A PSK as couriers carry it: whole, or in halves of which neither tells anything.
#include "crypto/psk_text.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "tests/seeded_random.hpp"

namespace cloister::crypto {
namespace {

Psk psk_of(std::uint64_t seed) {
  cloister::test::SeededRandom random{seed};
  Psk psk;
  random.fill(psk.fill());
  return psk;
}

std::string line_of(const auto& carried) {
  const auto text = to_text(carried);
  return {reinterpret_cast<const char*>(text.expose().data()), text.size};
}

auto parse(std::string_view line) { return parse_psk(std::as_bytes(std::span{line})); }

PskHalf half_of(std::string_view line) {
  auto read = parse(line);
  REQUIRE(read);
  REQUIRE(std::holds_alternative<PskHalf>(*read));
  return std::move(std::get<PskHalf>(*read));
}

bool same(const Psk& one, const Psk& other) { return std::ranges::equal(one.expose(), other.expose()); }

std::string why(const auto& result) { return result ? "" : result.error().message; }

TEST_CASE("a PSK is read as it is written, with spaces and in either case") {
  Psk counting;
  for (std::size_t i = 0; i < Psk::size; ++i) counting.fill()[i] = static_cast<std::byte>(i * 8 + 7);
  constexpr std::string_view text = "070f171f272f373f474f575f676f777f878f979fa7afb7bfc7cfd7dfe7eff7ff";
  CHECK(line_of(counting) == text);
  for (const auto& line : {std::string{text}, "  " + std::string{text} + "\r",
                           std::string{"070F171F 272F373F 474F575F 676F777F\t878F979F A7AFB7BF C7CFD7DF E7EFF7FF"}}) {
    const auto read = parse(line);
    REQUIRE(read);
    CHECK(same(std::get<Psk>(*read), counting));
  }
}

TEST_CASE("two halves give the PSK in either order") {
  cloister::test::SeededRandom random{2};
  const Psk psk = psk_of(1);
  const auto halves = split(psk, random);
  const std::string first = line_of(halves[0]);
  const std::string second = line_of(halves[1]);
  CHECK(first.starts_with("1of2 "));
  CHECK(second.starts_with("2of2 "));
  for (const auto& [one, other] : {std::pair{first, second}, std::pair{second, first}}) {
    const auto joined = join(half_of(one), half_of(other));
    REQUIRE(joined);
    CHECK(same(*joined, psk));
  }
}

TEST_CASE("a half says nothing of the PSK: of another PSK, the first is the same, and the second as likely") {
  cloister::test::SeededRandom draw{3};
  cloister::test::SeededRandom same_draw{3};
  const Psk psk = psk_of(1);
  const auto halves = split(psk, draw);
  CHECK(line_of(halves[0]) == line_of(split(psk_of(9), same_draw)[0]));
  // For each PSK there is a first half that explains the second.
  const Psk other = psk_of(9);
  PskHalf explains{.number = 1, .pair = halves[1].pair, .share = {}};
  std::ranges::transform(other.expose(), halves[1].share.expose(), explains.share.fill().begin(), std::bit_xor{});
  const auto joined = join(half_of(line_of(explains)), halves[1]);
  REQUIRE(joined);
  CHECK(same(*joined, other));
  CHECK_FALSE(same(*joined, psk));
}

TEST_CASE("each character of a half that is mistyped is seen, and which half it is") {
  cloister::test::SeededRandom random{4};
  const auto halves = split(psk_of(1), random);
  for (const auto& half : halves) {
    const std::string line = line_of(half);
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] == ' ') continue;
      for (const char typed : {'0', 'f', 'g', '\0'}) {
        std::string wrong = line;
        if (wrong[i] == typed) continue;
        wrong[i] = typed;
        INFO(wrong);
        const auto read = parse(wrong);
        REQUIRE_FALSE(read);
        if (i >= 4) CHECK(why(read).contains(std::to_string(half.number) + " of 2 is mistyped"));
      }
    }
    CHECK(why(parse(line + "0")).contains("85 characters"));
    CHECK(why(parse(line.substr(0, line.size() - 1))).contains("83 characters"));
    std::string other_label = line;
    other_label[0] = half.number == 1 ? '2' : '1';
    CHECK(why(parse(other_label)).contains("checksum"));
  }
}

TEST_CASE("the same half twice and halves of two PSKs are refused") {
  cloister::test::SeededRandom random{5};
  const auto halves = split(psk_of(1), random);
  const auto others = split(psk_of(1), random);
  CHECK(why(join(halves[0], halves[0])).contains("both are half 1 of 2"));
  CHECK(why(join(halves[1], halves[1])).contains("both are half 2 of 2"));
  CHECK(why(join(halves[0], others[1])).contains("two PSKs"));
  CHECK(why(join(others[1], halves[0])).contains("two PSKs"));
}

TEST_CASE("what is neither a PSK nor a half is refused") {
  const std::string whole = line_of(psk_of(1));
  for (const auto& wrong :
       {std::string{}, std::string{"1of2"}, std::string{"3of2"}, whole + "0", whole.substr(1), whole.substr(1) + "g",
        whole.substr(1) + "/", whole.substr(1) + ":", whole.substr(1) + "`", whole.substr(1) + "@",
        whole.substr(1) + "G", whole.substr(1) + "\xff", std::string(psk_line_bytes_max + 1, ' ') + whole,
        std::string(psk_line_bytes_max + 1, '0')}) {
    INFO(wrong);
    CHECK_FALSE(parse(wrong));
  }
}

}  // namespace
}  // namespace cloister::crypto
