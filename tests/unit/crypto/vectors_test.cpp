// Each primitive against published vectors (Wycheproof); the counts guard against files that lost their tests.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "crypto/aead.hpp"
#include "crypto/gf128.hpp"
#include "crypto/kdf.hpp"
#include "crypto/kem.hpp"
#include "tests/unit/crypto/vectors.hpp"

namespace cloister {
namespace {
using test::Vector;

crypto::AeadKey aead_key(const std::vector<std::byte>& bytes) {
  crypto::AeadKey key;
  std::ranges::copy(bytes, key.fill().begin());
  return key;
}

crypto::AeadNonce nonce_of(const std::vector<std::byte>& bytes) {
  crypto::AeadNonce nonce{};
  std::ranges::copy(bytes, nonce.begin());
  return nonce;
}

bool aes256_gcm(const boost::json::object& group) {
  return group.at("keySize") == 256 && group.at("ivSize") == 96 && group.at("tagSize") == 128;
}

TEST_CASE("AES-256-GCM seals and opens as the vectors say, and refuses the invalid ones", "[aead]") {
  const auto count = test::for_each_vector("aes_gcm_test.json", aes256_gcm, [](const Vector& vector) {
    INFO("vector " << vector.number());
    const auto message = vector.bytes("msg");
    auto sealed = vector.bytes("ct");
    const auto tag = vector.bytes("tag");
    sealed.insert(sealed.end(), tag.begin(), tag.end());
    const crypto::Aes256Gcm cipher{aead_key(vector.bytes("key"))};
    const auto nonce = nonce_of(vector.bytes("iv"));
    std::vector<std::byte> opened(message.size());
    CHECK(cipher.open(nonce, vector.bytes("aad"), sealed, opened) == vector.valid());
    if (!vector.valid()) return;
    CHECK(opened == message);
    std::vector<std::byte> out(sealed.size());
    cipher.seal(nonce, vector.bytes("aad"), message, out);
    CHECK(out == sealed);
  });
  CHECK(count >= 60);
}

TEST_CASE("ML-KEM-768 makes the vectors' keys from their seeds, and opens their ciphertexts", "[kem]") {
  const auto count = test::for_each_vector(
      "mlkem_768_test.json", [](const boost::json::object& group) { return group.at("parameterSet") == "ML-KEM-768"; },
      [](const Vector& vector) {
        INFO("vector " << vector.number());
        auto pair = crypto::KemKeyPair::from_seed(vector.bytes("seed"));
        REQUIRE(pair);
        CHECK(pair->public_key() == vector.bytes("ek"));
        const auto secret = std::move(*pair).decapsulate(vector.bytes("c"));
        REQUIRE(secret);
        CHECK(std::ranges::equal(secret->expose(), vector.bytes("K")) == vector.valid());
      });
  CHECK(count >= 1);
  CHECK_FALSE(crypto::KemKeyPair::from_seed(std::vector<std::byte>(63)));
}

TEST_CASE("AES-256-GCM wipes what it does not authenticate", "[aead]") {
  const crypto::Aes256Gcm cipher{aead_key(std::vector<std::byte>(32, std::byte{7}))};
  std::vector<std::byte> sealed(100 + crypto::aead_tag_bytes);
  cipher.seal({}, {}, std::vector<std::byte>(100, std::byte{0x41}), sealed);
  sealed.back() ^= std::byte{1};
  std::vector<std::byte> out(100, std::byte{0xFF});
  CHECK_FALSE(cipher.open({}, {}, sealed, out));
  CHECK(std::ranges::count(out, std::byte{0}) == 100);
}

/// GMAC's tag is GHASH under H = AES_K(0) over the message and its lengths, encrypted with AES_K(J0): both are had from
/// the cipher (an independent GHASH), so that our field is held to the vectors.
TEST_CASE("The polynomial hash in GF(2^128) is GHASH: with its pad it gives GMAC's tags", "[gf128]") {
  const auto count = test::for_each_vector("aes_gmac_test.json", aes256_gcm, [](const Vector& vector) {
    INFO("vector " << vector.number());
    const crypto::Aes256Gcm cipher{aead_key(vector.bytes("key"))};
    const auto nonce = nonce_of(vector.bytes("iv"));
    // Without data GHASH is 0, and the tag is the pad AES_K(J0).
    std::vector<std::byte> empty(crypto::aead_tag_bytes);
    cipher.seal(nonce, {}, {}, empty);
    crypto::TagPad pad;
    std::ranges::copy(empty, pad.fill().begin());

    // One zero block of associated data gives L·H ⊕ pad, L being the block of lengths: H is that times L's inverse,
    // L^(2^128 - 2).
    std::vector<std::byte> one_block(crypto::aead_tag_bytes);
    cipher.seal(nonce, std::vector<std::byte>(16), {}, one_block);
    crypto::Block128 product{};
    for (std::size_t i = 0; i < 16; ++i) product[i] = one_block[i] ^ empty[i];
    const auto multiply = [](const crypto::Block128& a, const crypto::Block128& b) {
      crypto::HashKey key;
      std::ranges::copy(b, key.fill().begin());
      crypto::PolynomialHash hash{key};
      hash.update(a);
      return hash.value();
    };
    crypto::Block128 length{};
    length[7] = std::byte{128};
    crypto::Block128 inverse{};
    inverse[0] = std::byte{0x80};  // the field's one
    crypto::Block128 square = multiply(length, length);
    for (int bit = 1; bit < 128; ++bit) {
      inverse = multiply(inverse, square);
      square = multiply(square, square);
    }
    const auto h = multiply(product, inverse);
    crypto::HashKey key;
    std::ranges::copy(h, key.fill().begin());

    const auto message = vector.bytes("msg");
    crypto::Block128 lengths{};
    const std::uint64_t bits = 8 * message.size();
    for (std::size_t i = 0; i < 8; ++i) lengths[7 - i] = static_cast<std::byte>(bits >> (8 * i));
    crypto::PolynomialHash hash{key};
    hash.update(message);
    hash.update(lengths);
    crypto::Block128 tag{};
    std::ranges::copy(vector.bytes("tag"), tag.begin());
    CHECK(crypto::tag_matches(hash, pad, tag) == vector.valid());
  });
  CHECK(count >= 60);
}

TEST_CASE("HKDF gives the vectors' keys, with SHA-256 and SHA-512", "[kdf]") {
  const auto run = [](const char* file, auto derive) {
    return test::for_each_vector(
        file, [](const boost::json::object&) { return true; },
        [&](const Vector& vector) {
          if (!vector.valid()) return;  // they ask for more than HKDF can give
          INFO(file << " vector " << vector.number());
          std::vector<std::byte> out(static_cast<std::size_t>(vector.test.at("size").as_int64()));
          derive(vector.bytes("ikm"), vector.bytes("salt"), vector.bytes("info"), out);
          CHECK(test::to_hex(out) == vector.text("okm"));
        });
  };
  CHECK(run("hkdf_sha256_test.json", [](const auto& input, const auto& salt, const auto& info, auto& out) {
          crypto::hkdf_sha256(input, salt, info, out);
        }) >= 80);
  CHECK(run("hkdf_sha512_test.json", [](const auto& input, const auto& salt, const auto& info, auto& out) {
          crypto::hkdf_sha512(input, salt, info, out);
        }) >= 80);
}

TEST_CASE("HMAC-SHA-256 gives the vectors' tags, in one part or two", "[kdf]") {
  const auto count = test::for_each_vector(
      "hmac_sha256_test.json", [](const boost::json::object&) { return true; },
      [](const Vector& vector) {
        INFO("vector " << vector.number());
        const auto message = vector.bytes("msg");
        const auto tag = vector.bytes("tag");
        const auto half = std::span{message}.first(message.size() / 2);
        for (const auto& mac :
             {crypto::hmac_sha256(vector.bytes("key"), message),
              crypto::hmac_sha256(vector.bytes("key"), half, std::span{message}.subspan(half.size()))}) {
          CHECK(crypto::equal_constant_time(std::span{mac}.first(tag.size()), tag) == vector.valid());
        }
      });
  CHECK(count >= 150);
}

}  // namespace
}  // namespace cloister
