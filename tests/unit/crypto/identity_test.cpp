// A box's key: from its seed, as a file for the courier, and what is taken for neither.
#include "crypto/identity.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <vector>

#include "crypto/credentials.hpp"
#include "tests/seeded_random.hpp"
#include "tests/unit/crypto/vectors.hpp"

namespace cloister::crypto {
namespace {

Identity identity_of(std::uint64_t seed) {
  cloister::test::SeededRandom random{seed};
  auto identity = Identity::generate(random);
  REQUIRE(identity);
  return std::move(*identity);
}

TEST_CASE("an identity that was sealed is the same again, and another seed gives another") {
  const auto one = identity_of(1);
  const auto again = Identity::from_sealed(one.expose());
  REQUIRE(again);
  CHECK(again->fingerprint() == one.fingerprint());
  CHECK(one.fingerprint().hex.size() == 64);
  CHECK(identity_of(2).fingerprint() != one.fingerprint());
}

TEST_CASE("what is sealed and is no identity is refused") {
  const auto one = identity_of(1);
  std::vector<std::byte> bytes(one.expose().begin(), one.expose().end());
  CHECK_FALSE(Identity::from_sealed(std::span{bytes}.subspan(1)));  // as long as a PSK
  bytes[0] = std::byte{2};                                          // another algorithm
  CHECK_FALSE(Identity::from_sealed(bytes));
  CHECK_FALSE(Identity::from_sealed({}));
}

TEST_CASE("a public key is read as it is written, with any line ends, and nothing else is read") {
  const auto identity = identity_of(1);
  const std::string pem = to_pem(identity.key().get());
  const auto read = parse_public_key(pem);
  REQUIRE(read);
  CHECK(fingerprint_of(read->get()) == identity.fingerprint());

  std::string carried;
  for (const char character : pem) carried += character == '\n' ? "\r\n" : std::string{character};
  CHECK(parse_public_key(carried + "\r\n"));

  const KeyPointer other{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-521")};
  const KeyPointer rsa{EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048})};
  // The same key twice would have two fingerprints.
  const KeyPointer compressed{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")};
  CHECK(parse_public_key(to_pem(compressed.get())));
  REQUIRE(EVP_PKEY_set_utf8_string_param(compressed.get(), OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                         OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_COMPRESSED) == 1);
  std::string changed = pem;
  changed[changed.size() / 2] = changed[changed.size() / 2] == 'A' ? 'B' : 'A';
  for (const auto& wrong :
       {std::string{}, "text\n" + pem, pem + pem, pem.substr(0, pem.size() / 2), pem + "x\n", to_pem(other.get()),
        to_pem(rsa.get()), to_pem(compressed.get()), std::string(public_key_text_bytes_max + 1, ' ')})
    CHECK_FALSE(parse_public_key(wrong));
  // Another key, or none: never taken for this one.
  if (const auto mistaken = parse_public_key(changed)) CHECK(fingerprint_of(mistaken->get()) != identity.fingerprint());
}

}  // namespace
}  // namespace cloister::crypto
