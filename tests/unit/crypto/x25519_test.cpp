// X25519: the answers of RFC 7748, and what is refused.
#include "crypto/x25519.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "tests/seeded_random.hpp"
#include "tests/unit/crypto/vectors.hpp"

namespace cloister::crypto {
namespace {

X25519Scalar scalar_of(const char* digits) {
  X25519Scalar scalar;
  std::ranges::copy(cloister::test::from_hex(digits), scalar.fill().begin());
  return scalar;
}

constexpr const char* alice = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
constexpr const char* bob = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
constexpr const char* both = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";

TEST_CASE("X25519 agrees as in RFC 7748, 6.1", "[x25519]") {
  X25519KeyPair one{scalar_of(alice)};
  X25519KeyPair other{scalar_of(bob)};
  const auto ones = one.public_key();
  const auto others = other.public_key();
  CHECK(std::ranges::equal(
      ones, cloister::test::from_hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")));
  CHECK(std::ranges::equal(
      others, cloister::test::from_hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")));
  const auto here = std::move(one).agree(others);
  const auto there = std::move(other).agree(ones);
  REQUIRE((here && there));
  CHECK(std::ranges::equal(here->expose(), cloister::test::from_hex(both)));
  CHECK(std::ranges::equal(there->expose(), cloister::test::from_hex(both)));
}

TEST_CASE("A public key that would give everybody the same secret is refused", "[x25519]") {
  cloister::test::SeededRandom random{1};
  for (const char* low : {"0000000000000000000000000000000000000000000000000000000000000000",
                          "0100000000000000000000000000000000000000000000000000000000000000",
                          "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                          "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
    X25519Public key{};
    std::ranges::copy(cloister::test::from_hex(low), key.begin());
    CHECK_FALSE(X25519KeyPair{random}.agree(key));
  }
}

}  // namespace
}  // namespace cloister::crypto
