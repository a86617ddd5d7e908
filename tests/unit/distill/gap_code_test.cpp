// Positions and biased bits in few bytes: what is put is taken, close to the entropy, and nothing else is taken.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <random>

#include "appliance/distill/binary_entropy.hpp"
#include "appliance/distill/gap_code.hpp"

namespace cloister::distill {
namespace {

constexpr std::uint64_t before_all = ~std::uint64_t{0};
constexpr std::uint64_t slot_max = std::uint64_t{1} << 62U;

std::optional<std::vector<std::uint64_t>> taken(std::span<const std::byte> bytes, std::size_t count,
                                                std::uint64_t before, std::uint64_t last_max = slot_max) {
  wire::Reader in{bytes};
  std::vector<std::uint64_t> positions(count);
  if (!take_positions(in, positions, before, last_max) || !in.at_end()) return std::nullopt;
  return positions;
}

BitString biased(std::size_t size, double ones, std::mt19937_64& chance) {
  BitString bits{size};
  for (std::size_t i = 0; i < size; ++i) {
    if (static_cast<double>(chance() >> 11U) * 0x1p-53 < ones) bits.set(i);
  }
  return bits;
}

TEST_CASE("Positions come back as they were put, whatever their gaps", "[gaps]") {
  std::mt19937_64 chance{1};
  for (int round = 0; round < 2000; ++round) {
    INFO("round " << round);
    const std::uint64_t before = round % 2 == 0 ? before_all : chance() % (std::uint64_t{1} << 61U);
    std::vector<std::uint64_t> positions(chance() % 300);
    const auto scale = chance() % 48;
    std::uint64_t at = before;
    for (auto& position : positions) {
      at += 1 + (chance() >> (63 - scale)) / (1 + chance() % 1000);  // of very different lengths
      position = at;
    }
    wire::Writer out;
    put_positions(out, positions, before);
    CHECK(taken(out.view(), positions.size(), before) == positions);
    CHECK_FALSE(taken(out.view(), positions.size() + 1, before));
    CHECK_FALSE(taken(out.view().first(out.size() - 1), positions.size(), before));
    if (!positions.empty() && positions.back() > 0)
      CHECK_FALSE(taken(out.view(), positions.size(), before, positions.back() - 1));
  }
}

TEST_CASE("Slots at any rate of detection cost at most 4 % more than their entropy", "[gaps]") {
  std::mt19937_64 chance{2};
  for (const double rate : {1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.16, 0.3, 0.45}) {
    constexpr std::size_t count = 100'000;
    std::geometric_distribution<std::uint64_t> gap{rate};
    std::vector<std::uint64_t> slots(count);
    std::uint64_t at = before_all;
    for (auto& slot : slots) slot = at += 1 + gap(chance);
    wire::Writer out;
    put_positions(out, slots, before_all);
    const double entropy = count * binary_entropy(rate) / rate;
    INFO("rate " << rate << ": " << 8 * out.size() << " bits, entropy " << entropy);
    CHECK(8 * static_cast<double>(out.size()) < 1.04 * entropy);
    CHECK(8 * static_cast<double>(out.size()) > 0.98 * entropy);  // less would be a miscount
  }
}

TEST_CASE("A biased string comes back as it was, at no more than 5 % above its entropy", "[gaps]") {
  std::mt19937_64 chance{3};
  constexpr std::size_t size = 200'000;
  for (const double ones : {0.0, 0.005, 0.02, 0.1, 0.25, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9, 0.99, 1.0}) {
    const auto bits = biased(size, ones, chance);
    wire::Writer out;
    put_biased(out, bits);
    wire::Reader in{out.view()};
    const auto back = take_biased(in, size);
    INFO("ones " << ones << ": " << 8 * out.size() << " bits, entropy " << size * binary_entropy(ones));
    REQUIRE(back);
    CHECK(*back == bits);
    CHECK(8 * static_cast<double>(out.size()) < 1.05 * size * binary_entropy(ones) + 64);
  }
  for (std::size_t length = 0; length < 200; ++length) {
    const auto bits = biased(length, 0.5, chance);
    wire::Writer out;
    put_biased(out, bits);
    wire::Reader in{out.view()};
    CHECK(take_biased(in, length) == bits);
    CHECK(in.at_end());
  }
}

TEST_CASE("Bytes that no string has are refused: padding, a needless byte, a width or a count that cannot be",
          "[gaps]") {
  const auto accepted = [](const std::vector<unsigned>& bytes, std::size_t count) {
    std::vector<std::byte> raw;
    for (const unsigned byte : bytes) raw.push_back(static_cast<std::byte>(byte));
    return taken(raw, count, before_all).has_value();
  };
  CHECK(accepted({1, 0b1, 1, 0b1}, 1));           // one gap of 1
  CHECK_FALSE(accepted({1, 0b11, 1, 0b1}, 1));    // a second low bit
  CHECK_FALSE(accepted({1, 0b1, 2, 0b1, 0}, 1));  // an upper byte too many
  CHECK_FALSE(accepted({1, 0b1, 1, 0b11}, 1));    // a second gap
  CHECK_FALSE(accepted({1, 0b1, 1, 0}, 1));       // none
  CHECK_FALSE(accepted({37, 1, 0, 0, 0, 0, 1, 0b1}, 1));
  CHECK_FALSE(accepted({0, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F}, 1));
  CHECK(accepted({0, 0}, 0));
}

}  // namespace
}  // namespace cloister::distill
