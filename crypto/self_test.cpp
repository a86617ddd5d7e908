#include "crypto/self_test.hpp"

#include <openssl/evp.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <format>
#include <functional>
#include <memory>
#include <string_view>

#include "crypto/aead.hpp"
#include "crypto/digest.hpp"
#include "crypto/gf128.hpp"
#include "crypto/gf128_kernel.hpp"
#include "crypto/gf64.hpp"
#include "crypto/identity.hpp"
#include "crypto/kdf.hpp"
#include "crypto/kem.hpp"
#include "crypto/random.hpp"
#include "crypto/self_test_vectors.hpp"
#include "crypto/test_build.hpp"
#include "crypto/toeplitz.hpp"
#include "crypto/x25519.hpp"

namespace cloister::crypto {
namespace {

using Bytes = std::vector<std::byte>;

Bytes from_hex(std::string_view digits) {
  const auto value = [](char digit) { return static_cast<unsigned>(digit <= '9' ? digit - '0' : digit - 'a' + 10); };
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(value(digits[i]) << 4U | value(digits[i + 1])));
  return bytes;
}

/// Keys of published vectors are no secrets.
template <class Role>
Role role_from(std::string_view digits) {
  Role role;
  std::ranges::copy(from_hex(digits), role.fill().begin());
  return role;
}

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span{text}); }

#ifdef CLOISTER_TEST_KEYLOG
/// In builds for tests, what CLOISTER_FAULTY_PRIMITIVE names errs: a primitive by one bit, randomness by being stuck.
bool is_faulty(std::string_view name) {
  const char* faulty = std::getenv("CLOISTER_FAULTY_PRIMITIVE");
  return faulty != nullptr && name == faulty;
}
#else
constexpr bool is_faulty(std::string_view) { return false; }
#endif

/// Compares an answer with the known one.
class Judge {
 public:
  explicit Judge(std::string_view name) : name_{name} {}
  Judge& expect(std::string_view what, Bytes answer, const Bytes& known) {
    if (is_faulty(name_) && !answer.empty()) answer[answer.size() / 2] ^= std::byte{1};
    if (outcome_ && answer != known) outcome_ = fail(std::format("{}: not the known answer", what));
    return *this;
  }
  Judge& expect(std::string_view what, bool holds) {
    if (outcome_ && !holds) outcome_ = fail(std::string{what});
    return *this;
  }
  [[nodiscard]] Result<> outcome() const { return outcome_; }

 private:
  std::string_view name_;
  Result<> outcome_;
};

Bytes copy_of(std::span<const std::byte> bytes) { return {bytes.begin(), bytes.end()}; }

Result<> aes_256_gcm() {
  const Aes256Gcm cipher{role_from<AeadKey>(known::gcm_key)};
  AeadNonce nonce{};
  std::ranges::copy(from_hex(known::gcm_nonce), nonce.begin());
  const auto associated = from_hex(known::gcm_associated);
  const auto plaintext = from_hex(known::gcm_plaintext);
  auto known_sealed = from_hex(known::gcm_sealed);
  Bytes sealed(known_sealed.size());
  cipher.seal(nonce, associated, plaintext, sealed);
  Bytes opened(plaintext.size());
  const bool open = cipher.open(nonce, associated, known_sealed, opened);
  Judge judge{"aes-256-gcm"};
  judge.expect("sealing", std::move(sealed), known_sealed).expect("opening: the tag does not hold", open);
  judge.expect("opening", opened, plaintext);
  known_sealed.back() ^= std::byte{1};
  judge.expect("a forged tag holds", !cipher.open(nonce, associated, known_sealed, opened));
  return judge.outcome();
}

/// Any bits do; these are the same at each start (splitmix64).
class AnyBits {
 public:
  std::uint64_t operator()() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }

 private:
  std::uint64_t state_ = 1;
};

/// NIST SP 800-38D, algorithm 1, bit by bit.
Block128 product_by_definition(const Block128& a, Block128 b) {
  Block128 sum{};
  for (unsigned bit = 0; bit < 128; ++bit) {
    if ((a[bit / 8] >> (7 - bit % 8) & std::byte{1}) != std::byte{})
      std::ranges::transform(sum, b, sum.begin(), std::bit_xor{});
    const bool odd = (b.back() & std::byte{1}) != std::byte{};
    for (std::size_t i = b.size(); i-- > 0;) b[i] = b[i] >> 1U | (i > 0 ? b[i - 1] << 7U : std::byte{});
    if (odd) b.front() ^= std::byte{0xE1};
  }
  return sum;
}

/// The published answer by what the service uses; then each kernel that this processor has, over more blocks than one
/// takes at once.
Result<> gf128_hash() {
  Judge judge{"gf128-hash"};
  PolynomialHash hash{role_from<HashKey>(known::ghash_key)};
  hash.update(from_hex(known::ghash_block));
  hash.update(from_hex(known::ghash_lengths));
  judge.expect("GHASH", copy_of(hash.value()), from_hex(known::ghash_value));

  constexpr std::size_t blocks = 2 * gf128_powers + 5;
  AnyBits next;
  Gf128Powers powers{};
  std::ranges::copy(from_hex(known::ghash_key), powers[0].begin());
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = product_by_definition(powers[i - 1], powers[0]);
  Bytes data(blocks * Block128{}.size());
  for (auto& byte : data) byte = static_cast<std::byte>(next());
  Block128 defined{};
  for (std::span rest{data}; !rest.empty(); rest = rest.subspan(defined.size())) {
    std::ranges::transform(defined, rest.first(defined.size()), defined.begin(), std::bit_xor{});
    defined = product_by_definition(defined, powers[0]);
  }
  for (const auto* kernel : gf128_kernels()) {
    Block128 value{};
    kernel->absorb(value, powers, data);
    judge.expect(std::format("{} blocks, {} kernel", blocks, kernel->name), copy_of(value), copy_of(defined))
        .expect(std::format("a product, {} kernel", kernel->name), copy_of(kernel->multiply(defined, powers[1])),
                copy_of(product_by_definition(defined, powers[1])));
  }
  return judge.outcome();
}

Result<> sha_256() {
  const auto digest = from_hex(sha256_hex(bytes_of("abc")));
  return Judge{"sha-256"}.expect("of 'abc'", digest, from_hex(known::sha256_abc)).outcome();
}

Result<> hmac_sha_256() {
  const auto mac = hmac_sha256(from_hex(known::hmac_key), from_hex(known::hmac_text));
  return Judge{"hmac-sha-256"}.expect("the tag", copy_of(mac), from_hex(known::hmac_value)).outcome();
}

Result<> hkdf_sha_512() {
  const auto known_output = from_hex(known::hkdf_output);
  Bytes output(known_output.size());
  hkdf_sha512(from_hex(known::hkdf_input), from_hex(known::hkdf_salt), from_hex(known::hkdf_info), output);
  return Judge{"hkdf-sha-512"}.expect("the key", std::move(output), known_output).outcome();
}

Result<> x25519() {
  X25519KeyPair pair{role_from<X25519Scalar>(known::x25519_private)};
  const auto peer = from_hex(known::x25519_peer);
  Judge judge{"x25519"};
  judge.expect("the public key", copy_of(pair.public_key()), from_hex(known::x25519_public));
  const auto secret = std::move(pair).agree(std::span{peer}.first<x25519_public_bytes>());
  if (!secret) return std::unexpected{secret.error()};
  return judge.expect("the secret", copy_of(secret->expose()), from_hex(known::x25519_secret)).outcome();
}

Result<> ml_kem_768() {
  auto pair = KemKeyPair::from_seed(from_hex(known::ml_kem_seed));
  if (!pair) return std::unexpected{pair.error()};
  const auto public_key = pair->public_key();
  const auto secret = std::move(*pair).decapsulate(from_hex(known::ml_kem_ciphertext));
  if (!secret) return std::unexpected{secret.error()};
  constexpr std::size_t end = 32;
  Judge judge{"ml-kem-768"};
  judge.expect("the public key", copy_of(std::span{public_key}.first(end)), from_hex(known::ml_kem_first))
      .expect("the public key", copy_of(std::span{public_key}.last(end)), from_hex(known::ml_kem_last))
      .expect("the secret", copy_of(secret->expose()), from_hex(known::ml_kem_secret));
  // FIPS 140-3 asks for a pair that agrees with itself, too.
  auto fresh = KemKeyPair::generate();
  if (!fresh) return std::unexpected{fresh.error()};
  const auto encapsulated = kem_encapsulate(fresh->public_key());
  if (!encapsulated) return std::unexpected{encapsulated.error()};
  const auto opened = std::move(*fresh).decapsulate(encapsulated->ciphertext);
  judge.expect("a fresh pair does not agree",
               opened && equal_constant_time(opened->expose(), encapsulated->secret.expose()));
  return judge.outcome();
}

Result<> ml_dsa_65() {
  // As the TPM gives it back: the mark of an identity, then the seed.
  SystemRandom random;
  auto any = Identity::generate(random);
  if (!any) return std::unexpected{any.error()};
  Bytes sealed = copy_of(any->expose());
  for (std::size_t i = 1; i < sealed.size(); ++i) sealed[i] = static_cast<std::byte>(i - 1);
  const auto identity = Identity::from_sealed(sealed);
  if (!identity) return std::unexpected{identity.error()};
  const auto key = identity->key();
  std::size_t length = 0;
  Bytes public_key(2000);
  const bool exported =
      ::EVP_PKEY_get_raw_public_key(key.get(), nullptr, &length) == 1 && length <= public_key.size() &&
      ::EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(public_key.data()), &length) == 1;
  public_key.resize(exported ? length : 0);
  constexpr std::size_t end = 32;
  Judge judge{"ml-dsa-65"};
  judge.expect("the public key cannot be had", public_key.size() > 2 * end);
  if (!judge.outcome()) return judge.outcome();
  judge.expect("the public key", copy_of(std::span{public_key}.first(end)), from_hex(known::ml_dsa_first))
      .expect("the public key", copy_of(std::span{public_key}.last(end)), from_hex(known::ml_dsa_last));

  struct FreeContext {
    void operator()(EVP_MD_CTX* context) const { ::EVP_MD_CTX_free(context); }
  };
  const auto context = [] { return std::unique_ptr<EVP_MD_CTX, FreeContext>{::EVP_MD_CTX_new()}; };
  const std::string_view text = "cloister";
  const auto* data = reinterpret_cast<const unsigned char*>(text.data());
  std::vector<unsigned char> signature(4096);
  std::size_t bytes = signature.size();
  const auto signer = context();
  const bool is_signed = ::EVP_DigestSignInit(signer.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
                         ::EVP_DigestSign(signer.get(), signature.data(), &bytes, data, text.size()) == 1;
  const auto verifies = [&](std::size_t length_of_text) {
    const auto verifier = context();
    return ::EVP_DigestVerifyInit(verifier.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
           ::EVP_DigestVerify(verifier.get(), signature.data(), bytes, data, length_of_text) == 1;
  };
  judge.expect("a signature of its own does not hold", is_signed && verifies(text.size()))
      .expect("a signature holds for another text", !verifies(text.size() - 1));
  return judge.outcome();
}

Result<> blake2b() {
  Bytes digest(64);
  const std::string_view text = "abc";
  ::crypto_generichash(reinterpret_cast<unsigned char*>(digest.data()), digest.size(),
                       reinterpret_cast<const unsigned char*>(text.data()), text.size(), nullptr, 0);
  return Judge{"blake2b"}.expect("of 'abc'", std::move(digest), from_hex(known::blake2b_abc)).outcome();
}

Result<> chacha20() {
  constexpr std::array<unsigned char, crypto_stream_chacha20_KEYBYTES> key{};
  constexpr std::array<unsigned char, crypto_stream_chacha20_NONCEBYTES> nonce{};
  const auto known_stream = from_hex(known::chacha20_stream);
  Bytes stream(known_stream.size());
  ::crypto_stream_chacha20(reinterpret_cast<unsigned char*>(stream.data()), stream.size(), nonce.data(), key.data());
  return Judge{"chacha20"}.expect("the stream", std::move(stream), known_stream).outcome();
}

/// A product that needs the long transforms, at some positions from its definition, by each kernel that this processor
/// has.
Result<> toeplitz() {
  constexpr std::size_t input_bits = 100'003;
  constexpr std::size_t output_bits = 40'009;
  constexpr std::size_t positions = 64;
  AnyBits next;
  SecretBits input(input_bits);
  for (auto& word : input.fill()) word = next();
  input.fill().back() &= (std::uint64_t{1} << (input_bits % 64)) - 1;
  std::vector<std::uint64_t> seed((toeplitz_seed_bits(input_bits, output_bits) + 63) / 64);
  for (auto& word : seed) word = next();
  std::vector<std::size_t> asked;
  Bytes definition;
  for (std::size_t i = 0; i < positions; ++i) {
    const std::size_t at = asked.emplace_back(i == 0 ? 0 : i == 1 ? output_bits - 1 : next() % output_bits);
    unsigned sum = 0;
    for (std::size_t j = 0; j < input_bits; ++j) {
      const std::size_t bit = at + input_bits - 1 - j;
      sum ^= (input.get(j) ? 1U : 0U) & static_cast<unsigned>(seed[bit / 64] >> (bit % 64));
    }
    definition.push_back(static_cast<std::byte>(sum & 1U));
  }
  Judge judge{"toeplitz"};
  for (const auto* kernel : gf64_kernels()) {
    const auto output = toeplitz_hash(input, seed, output_bits, *kernel);
    Bytes answer;
    for (const auto at : asked) answer.push_back(static_cast<std::byte>(output.get(at) ? 1 : 0));
    judge.expect(std::format("the product, {} kernel", kernel->name), std::move(answer), definition);
  }
  return judge.outcome();
}

constexpr std::size_t randomness_bytes = std::size_t{64} << 10U;

Result<> judge_randomness(std::string_view name, Bytes bytes) {
  if (is_faulty(name)) std::ranges::fill(std::span{bytes}.first(bytes.size() / 2), std::byte{0x5A});
  return check_randomness(bytes);
}

Result<> kernel_randomness() {
  Bytes bytes(randomness_bytes);
  if (!fill_from_kernel(bytes)) return fail("the kernel gives no randomness");
  return judge_randomness("kernel-randomness", std::move(bytes));
}

Result<> own_randomness() {
  SystemRandom random;
  Bytes bytes(randomness_bytes);
  random.fill(bytes);
  return judge_randomness("own-randomness", std::move(bytes));
}

}  // namespace

std::vector<SelfTest> self_tests() {
  return {{"aes-256-gcm", aes_256_gcm},
          {"gf128-hash", gf128_hash},
          {"toeplitz", toeplitz},
          {"sha-256", sha_256},
          {"hmac-sha-256", hmac_sha_256},
          {"hkdf-sha-512", hkdf_sha_512},
          {"x25519", x25519},
          {"ml-kem-768", ml_kem_768},
          {"ml-dsa-65", ml_dsa_65},
          {"chacha20", chacha20},
          {"blake2b", blake2b},
          {"kernel-randomness", kernel_randomness},
          {"own-randomness", own_randomness}};
}

}  // namespace cloister::crypto
