// Sealed objects that open only in a signed state of the machine, with a real TPM 2.0 (swtpm).
#include "crypto/pcr_policy.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <fstream>

#include "crypto/tpm.hpp"
#include "tests/unit/crypto/software_tpm.hpp"

namespace cloister::crypto {
namespace {
using Catch::Matchers::ContainsSubstring;
using test::SoftwareTpm;
using Bytes = std::vector<std::byte>;

struct KeyPair {
  std::string private_pem;
  std::string public_pem;
};

KeyPair a_key(unsigned bits = 2048) {
  const KeyPointer key{EVP_RSA_gen(bits)};
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const auto length = BIO_get_mem_data(out, &text);
  KeyPair pair{{text, static_cast<std::size_t>(length)}, to_pem(key.get())};
  BIO_free(out);
  return pair;
}

Bytes a_secret() { return Bytes(32, std::byte{0xA7}); }

/// A machine whose secrets are bound to PCRs 7 and 11.
struct Machine {
  SoftwareTpm software;
  KeyPair keys = a_key();
  std::string files = software.state_directory() + "-policy";
  TpmSettings settings{software.tcti(), {.pcrs = {7, 11}, .policy_key = files + ".pem", .signatures = files + ".json"}};
  std::vector<SignedPcrPolicy> policies;

  Machine() { std::ofstream{settings.binding.policy_key} << keys.public_pem; }

  [[nodiscard]] PcrValues values() const {
    auto tpm = Tpm::open(software.tcti());
    REQUIRE(tpm);
    const auto read = tpm->read_pcrs(settings.binding.pcrs);
    REQUIRE(read);
    return *read;
  }
  void sign_state(const KeyPair& by) {
    const auto key = PolicyKey::parse_private(by.private_pem);
    REQUIRE(key);
    policies.push_back(key->sign(values()));
    install();
  }
  void install() const { std::ofstream{settings.binding.signatures} << to_json(policies); }

  [[nodiscard]] Bytes seal(const TpmSettings& by) const {
    auto tpm = Tpm::open(by);
    REQUIRE(tpm);
    auto sealed = tpm->seal(a_secret());
    REQUIRE(sealed);
    return std::move(*sealed);
  }
  [[nodiscard]] std::expected<SecretVector<std::byte>, Unopened> unseal(const TpmSettings& by,
                                                                        const Bytes& blob) const {
    auto tpm = Tpm::open(by);
    REQUIRE(tpm);
    return tpm->unseal(blob);
  }

  /// What a boot chain does with another kernel: TPM2_PCR_Extend, with an empty password (TPM 2.0 part 3, 22.2).
  void start_something_else(unsigned pcr) const {
    std::vector<unsigned> command{0x80, 0x02, 0, 0, 0, 65, 0, 0, 0x01, 0x82, 0, 0, 0, pcr, 0, 0,   0,
                                  9,    0x40, 0, 0, 9, 0,  0, 0, 0,    0,    0, 0, 0, 1,   0, 0x0B};
    command.resize(65, 0x5C);
    Bytes bytes;
    for (const unsigned byte : command) bytes.push_back(static_cast<std::byte>(byte));
    const int tpm = test::connect_to(software.socket());
    std::array<std::byte, 64> answer{};
    REQUIRE(::write(tpm, bytes.data(), bytes.size()) == 65);
    REQUIRE(::read(tpm, answer.data(), answer.size()) >= 10);
    CHECK(std::ranges::equal(std::span{answer}.subspan(6, 4), Bytes(4)));
    ::close(tpm);
  }
};

TEST_CASE(
    "What is bound to PCRs opens in a signed state, in no other, and after an update once that state is signed too",
    "[tpm]") {
  Machine machine;
  const auto blob = machine.seal(machine.settings);
  const auto unsigned_yet = machine.unseal(machine.settings, blob);
  REQUIRE_FALSE(unsigned_yet);
  CHECK_THAT(unsigned_yet.error().message, ContainsSubstring("signed PCR policies") && ContainsSubstring("pcr-policy"));

  machine.sign_state(machine.keys);
  const auto opened = machine.unseal(machine.settings, blob);
  REQUIRE(opened);
  CHECK(std::ranges::equal(*opened, a_secret()));

  machine.start_something_else(11);
  const auto refused = machine.unseal(machine.settings, blob);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, ContainsSubstring("PCRs 7, 11") && ContainsSubstring("pcr-policy sign"));
  CHECK_FALSE(refused.error().for_good);

  machine.sign_state(machine.keys);
  CHECK(machine.unseal(machine.settings, blob));
  machine.start_something_else(7);
  CHECK_FALSE(machine.unseal(machine.settings, blob));

  machine.software.cut_power();  // the old system is started again: its signature is still in the file
  machine.software.start();
  CHECK(machine.unseal(machine.settings, blob));
  machine.start_something_else(0);  // a PCR that nothing is bound to
  CHECK(machine.unseal(machine.settings, blob));
}

TEST_CASE("A policy that another key has signed opens nothing, also under our key's name", "[tpm]") {
  Machine machine;
  const auto blob = machine.seal(machine.settings);
  machine.sign_state(a_key());
  CHECK_FALSE(machine.unseal(machine.settings, blob));
  machine.policies[0].key = PolicyKey::parse_public(machine.keys.public_pem)->fingerprint();
  machine.install();
  CHECK_FALSE(machine.unseal(machine.settings, blob));
  // And where whoever changed the signatures has changed the configured key as well: the TPM has the right one's name.
  const auto others = a_key();
  std::ofstream{machine.settings.binding.policy_key} << others.public_pem;
  machine.sign_state(others);
  const auto refused = machine.unseal(machine.settings, blob);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().for_good);
}

TEST_CASE("Bound and unbound secrets are not taken for each other; a generation's end closes both", "[tpm]") {
  Machine machine;
  machine.sign_state(machine.keys);
  TpmSettings unbound{machine.software.tcti()};
  const auto bound_blob = machine.seal(machine.settings);
  const auto unbound_blob = machine.seal(unbound);
  for (const auto& [settings, blob] : {std::pair{&machine.settings, &unbound_blob}, std::pair{&unbound, &bound_blob}}) {
    const auto refused = machine.unseal(*settings, *blob);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message, ContainsSubstring("other PCRs"));
  }
  auto tpm = Tpm::open(machine.settings);
  REQUIRE(tpm);
  REQUIRE(tpm->end_generation());
  CHECK_FALSE(tpm->unseal(bound_blob));
}

TEST_CASE("A file of signed policies is read as it was written, and refused with the reason where it is none") {
  const auto key = PolicyKey::parse_private(a_key().private_pem);
  REQUIRE(key);
  const std::vector policies{key->sign({{7, PcrDigest{}}, {11, PcrDigest{std::byte{1}}}}),
                             key->sign({{0, PcrDigest{}}})};
  CHECK(key->verifies(policies[0]));
  const auto text = to_json(policies);
  CHECK(parse_pcr_signatures(text) == policies);
  CHECK(parse_pcr_signatures(R"({"sha1": [], "sha256": []})")->empty());
  for (const std::string wrong : {"", "[]", "{}", R"({"sha256": {}})", R"({"sha256": [{}]})", R"({"sha256": [7]})"}) {
    INFO(wrong);
    const auto refused = parse_pcr_signatures(wrong);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message, ContainsSubstring("pcr-policy sign"));
  }
  for (const char* part : {"\"pcrs\":[7", "\"pol\":\"", "\"sig\":\""}) {
    auto changed = text;
    const auto at = changed.find(part);
    REQUIRE(at != std::string::npos);
    changed.insert(at + std::string_view{part}.size(), "9");
    INFO(changed);
    CHECK_FALSE(parse_pcr_signatures(changed));
  }
}

TEST_CASE("A policy key is RSA of 2048 bits; anything else is refused with what was expected") {
  CHECK(PolicyKey::parse_public(a_key().public_pem));
  for (const auto& wrong : {std::string{}, std::string{"text"}, a_key(1024).public_pem, a_key().private_pem}) {
    const auto refused = PolicyKey::parse_public(wrong);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message, ContainsSubstring("RSA of 2048 bits"));
  }
}

}  // namespace
}  // namespace cloister::crypto
