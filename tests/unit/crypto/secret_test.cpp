// Secret memory: what the types forbid, and what is left behind.
#include <algorithm>
#include <bit>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <concepts>
#include <ostream>
#include <random>
#include <type_traits>

#include "crypto/bits.hpp"
#include "crypto/kem.hpp"
#include "crypto/random.hpp"
#include "crypto/secret.hpp"
#include "crypto/tls_handshake.hpp"

namespace cloister::crypto {
namespace {

template <class T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };

template <class T>
constexpr bool used_once = std::is_nothrow_move_constructible_v<T> && !std::is_copy_constructible_v<T> &&
                           !std::is_copy_assignable_v<T> && !std::equality_comparable<T> && !Printable<T>;

static_assert(used_once<Psk>);
static_assert(used_once<BootstrapSecret>);
static_assert(used_once<KemSecret>);
static_assert(used_once<SecretBits>);
static_assert(!std::is_convertible_v<Psk, KemSecret>, "keys of two roles are two types");

TEST_CASE("A secret's memory comes from the arena, zeroed, and is wiped and given back when it goes", "[secret]") {
  const auto before = arena_bytes_used();
  const std::byte* place = nullptr;
  {
    Secret<struct TestRole, 32> secret;
    CHECK(std::ranges::count(secret.expose(), std::byte{0}) == 32);
    std::ranges::fill(secret.fill(), std::byte{0xA5});
    place = secret.expose().data();
    CHECK(arena_bytes_used() > before);
  }
  CHECK(arena_bytes_used() == before);
  const Secret<struct TestRole, 32> next;
  REQUIRE(next.expose().data() == place);  // first fit: the same place, so that what was left there would be seen
  CHECK(std::ranges::count(next.expose(), std::byte{0}) == 32);
}

TEST_CASE("A moved secret leaves nothing behind, and growing vectors give their old memory back", "[secret]") {
  const auto before = arena_bytes_used();
  {
    Secret<struct TestRole, 32> first;
    const Secret<struct TestRole, 32> second{std::move(first)};
    CHECK(second.expose().size() == 32);
    SecretVector<std::uint64_t> growing;
    for (std::uint64_t i = 0; i < 10'000; ++i) growing.push_back(i);
  }
  CHECK(arena_bytes_used() == before);
}

TEST_CASE("Bits are what a plain list of bits is", "[bits]") {
  std::mt19937_64 chance{7};
  for (int round = 0; round < 200; ++round) {
    std::vector<bool> model;
    SecretBits bits;
    for (std::size_t pieces = chance() % 5; pieces > 0; --pieces) {
      SecretBits piece{chance() % 150};
      for (std::size_t i = 0; i < piece.size_bits(); ++i) {
        model.push_back((chance() & 1U) != 0);
        piece.set(i, model.back());
      }
      bits.append(piece);
    }
    for (int i = 0; i < 5 && !model.empty(); ++i) {
      const std::size_t at = chance() % model.size();
      model[at] = !model[at];
      bits.flip(at);
    }
    REQUIRE(bits.size_bits() == model.size());
    const std::size_t first = model.empty() ? 0 : chance() % model.size();
    const std::size_t count = model.size() == first ? 0 : chance() % (model.size() - first + 1);
    const auto slice = bits.slice(first, count);
    REQUIRE(slice.size_bits() == count);
    for (std::size_t i = 0; i < count; ++i) REQUIRE(slice.get(i) == model[first + i]);
    for (std::size_t i = count; i < 64 * slice.expose().size(); ++i)
      REQUIRE(((slice.expose()[i / 64] >> (i % 64)) & 1U) == 0);
  }
}

TEST_CASE("Two sources of randomness, and two draws of one, have nothing in common", "[random]") {
  SystemRandom one;
  SystemRandom other;
  std::array<std::array<std::byte, 32>, 4> draws{};
  one.fill(draws[0]);
  one.fill(draws[1]);
  other.fill(draws[2]);
  one.reseed();
  one.fill(draws[3]);
  for (std::size_t i = 0; i < draws.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) CHECK(draws[i] != draws[j]);
  }
}

TEST_CASE("Random bytes are balanced over a megabyte", "[random]") {
  SystemRandom random;
  std::vector<std::byte> bytes(1U << 20U);
  random.fill(bytes);
  std::size_t ones = 0;
  for (const auto byte : bytes) ones += static_cast<std::size_t>(std::popcount(std::to_integer<unsigned>(byte)));
  const double deviation = (static_cast<double>(ones) - 4.0 * static_cast<double>(bytes.size())) /
                           std::sqrt(2.0 * static_cast<double>(bytes.size()));
  CHECK(std::abs(deviation) < 6);
}

TEST_CASE("ML-KEM-768: both ends have one secret; a changed ciphertext gives another; wrong lengths are refused",
          "[kem]") {
  auto pair = KemKeyPair::generate();
  REQUIRE(pair);
  auto made = kem_encapsulate(pair->public_key());
  REQUIRE(made);
  CHECK(made->ciphertext.size() == kem_ciphertext_bytes);
  auto again = KemKeyPair::generate();
  REQUIRE(again);
  auto foreign = std::move(*again).decapsulate(made->ciphertext);
  REQUIRE(foreign);
  CHECK_FALSE(std::ranges::equal(foreign->expose(), made->secret.expose()));
  const auto opened = std::move(*pair).decapsulate(made->ciphertext);
  REQUIRE(opened);
  CHECK(std::ranges::equal(opened->expose(), made->secret.expose()));

  auto third = KemKeyPair::generate();
  REQUIRE(third);
  auto sealed = kem_encapsulate(third->public_key());
  REQUIRE(sealed);
  sealed->ciphertext[5] ^= std::byte{1};
  const auto rejected = std::move(*third).decapsulate(sealed->ciphertext);
  REQUIRE(rejected);  // implicit rejection (FIPS 203, 6.3)
  CHECK_FALSE(std::ranges::equal(rejected->expose(), sealed->secret.expose()));

  CHECK_FALSE(kem_encapsulate(std::vector<std::byte>(kem_public_bytes - 1)));
  CHECK_FALSE(
      kem_encapsulate(std::vector<std::byte>(kem_public_bytes, std::byte{0xFF})));  // coefficients beyond the modulus
}

}  // namespace
}  // namespace cloister::crypto
