// Sealed objects that open only in a signed state of the machine, with a real TPM 2.0 (swtpm).
#include "crypto/pcr_policy.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <fstream>

#include "crypto/tpm.hpp"
#include "crypto/tpm_counter.hpp"
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
  TpmSettings settings{software.tcti(),
                       {.pcrs = {7, 11}, .policy_key = files + ".pem", .signatures = files + ".json", .unchanged = {}}};
  std::vector<SignedPcrPolicy> policies;

  Machine() { std::ofstream{settings.binding.policy_key} << keys.public_pem; }

  [[nodiscard]] PcrValues values() const {
    auto tpm = Tpm::open(software.tcti());
    REQUIRE(tpm);
    const auto read = tpm->read_pcrs(settings.binding.pcrs);
    REQUIRE(read);
    return *read;
  }
  void sign_state(const KeyPair& by, std::optional<std::uint64_t> generation = {}) {
    const auto key = PolicyKey::parse_private(by.private_pem);
    REQUIRE(key);
    policies.push_back(key->sign(values(), generation));
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

  static constexpr PcrDigest something_else = [] {
    PcrDigest digest{};
    digest.fill(std::byte{0x5C});
    return digest;
  }();
  static Bytes extension(unsigned pcr) { return test::pcr_extension(pcr, something_else); }
  /// What a boot chain does with another kernel.
  void start_something_else(unsigned pcr) const { software.extend(pcr, something_else); }
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

/// Signed states of one image and of its update: which of them is started, and what opens.
struct Images : Machine {
  static constexpr std::uint64_t old_generation = 20;
  static constexpr std::uint64_t new_generation = 22;
  Bytes blob;

  Images() {
    settings.binding.generations = true;
    sign_state(keys, old_generation);
    blob = seal(settings);
    start_new();
    sign_state(keys, new_generation);
    start_old();
  }
  void start_old() {
    software.cut_power();
    software.start();
  }
  void start_new() {
    start_old();
    start_something_else(11);
  }
  [[nodiscard]] bool opens() const { return unseal(settings, blob).has_value(); }
  [[nodiscard]] Result<Tpm::Generations> retire() const {
    auto tpm = Tpm::open(settings);
    REQUIRE(tpm);
    return tpm->retire_older();
  }
};

TEST_CASE("An older signed image opens until a newer one was said to be good, and never after", "[tpm]") {
  Images images;
  CHECK(images.opens());
  REQUIRE(images.retire());  // the old one is good: that takes nothing from it
  images.start_new();
  CHECK(images.opens());
  images.start_old();  // the update was not healthy: it falls back
  CHECK(images.opens());

  images.start_new();
  const auto retired = images.retire();
  REQUIRE(retired);
  CHECK(retired->running == Images::new_generation);
  CHECK(retired->counted == Images::new_generation);
  CHECK(images.opens());
  images.start_old();
  const auto refused = images.unseal(images.settings, images.blob);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, ContainsSubstring("generation 20") && ContainsSubstring("counted 22"));
  CHECK_FALSE(refused.error().for_good);  // the newer image opens it
  CHECK(images.retire()->counted == Images::new_generation);

  {
    auto tpm = Tpm::open(images.settings);
    REQUIRE(tpm);
    REQUIRE(TpmCounter::remove(*tpm, TpmCounter::image_generation));
  }
  CHECK_FALSE(images.opens());  // a counter that is made anew begins above its old value
}

TEST_CASE("Of several numbers for one state the highest counts, in whatever order they stand", "[tpm]") {
  Images images;
  images.start_new();
  images.policies.clear();
  images.sign_state(images.keys, Images::old_generation);
  images.sign_state(images.keys, Images::new_generation);
  for (int order = 0; order < 2; ++order) {
    auto tpm = Tpm::open(images.settings);
    REQUIRE(tpm);
    CHECK(tpm->generations()->running == Images::new_generation);
    CHECK(tpm->retire_older()->counted == Images::new_generation);
    CHECK(tpm->unseal(images.blob));
    std::ranges::reverse(images.policies);
    images.install();
  }
}

TEST_CASE("Who asks for the generations makes no counter, and is told of an image that is retired", "[tpm]") {
  Machine machine;
  machine.settings.binding.generations = true;
  machine.sign_state(machine.keys, Images::old_generation);
  auto tpm = Tpm::open(machine.settings);
  REQUIRE(tpm);
  for (int again = 0; again < 2; ++again) {
    const auto seen = tpm->generations();
    REQUIRE(seen);
    CHECK(seen->counted == 0);
    CHECK_FALSE(seen->retired());
    CHECK(TpmCounter::look(*tpm, TpmCounter::image_generation) == std::nullopt);
  }
  REQUIRE(tpm->retire_older());
  REQUIRE(TpmCounter::advance(*tpm, TpmCounter::image_generation, Images::new_generation));
  CHECK(tpm->generations()->retired());
}

TEST_CASE("Neither a stranger's signature nor a changed number makes an old state a newer one", "[tpm]") {
  Images images;
  images.start_new();
  REQUIRE(images.retire());
  images.start_old();
  // The old state under the new number, by a key that is not the one that secrets are bound to, then under its name.
  images.policies.clear();
  images.sign_state(a_key(), Images::new_generation);
  images.policies[0].key = PolicyKey::parse_public(images.keys.public_pem)->fingerprint();
  images.install();
  CHECK_FALSE(images.opens());
  // A number that was changed in the file is not the one whose policy was signed.
  images.policies.clear();
  images.sign_state(images.keys, Images::old_generation);
  images.policies[0].generation = Images::new_generation;
  images.install();
  CHECK_FALSE(images.opens());
}

TEST_CASE("A signature without a generation does not stand for one with it, nor the other way round", "[tpm]") {
  Machine machine;
  machine.sign_state(machine.keys);
  const auto unnumbered = machine.seal(machine.settings);
  auto numbered_settings = machine.settings;
  numbered_settings.binding.generations = true;
  const auto numbered = machine.seal(numbered_settings);
  const auto refused = machine.unseal(numbered_settings, numbered);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, ContainsSubstring("with a generation") && ContainsSubstring("--generation"));

  machine.sign_state(machine.keys, 20);  // a file may have both
  CHECK(machine.unseal(numbered_settings, numbered));
  CHECK(machine.unseal(machine.settings, unnumbered));
  CHECK_FALSE(machine.unseal(numbered_settings, unnumbered));
  CHECK_FALSE(machine.unseal(machine.settings, numbered));
}

TEST_CASE("What was signed without a generation is numbered by the same key alone, and opens as if signed so",
          "[tpm]") {
  Machine machine;
  machine.sign_state(machine.keys);
  machine.settings.binding.generations = true;
  const auto blob = machine.seal(machine.settings);
  CHECK_FALSE(machine.unseal(machine.settings, blob));
  const auto key = PolicyKey::parse_private(machine.keys.private_pem);
  const auto stranger = PolicyKey::parse_private(a_key().private_pem);
  REQUIRE((key && stranger));
  const auto plain = machine.policies.front();
  const auto numbered = key->number(plain, 20);
  REQUIRE(numbered);
  CHECK(numbered->policy == key->sign(machine.values(), 20).policy);
  CHECK_FALSE(stranger->number(plain, 20));
  CHECK_FALSE(key->number(*numbered, 21));
  machine.policies.push_back(*numbered);
  machine.install();
  CHECK(machine.unseal(machine.settings, blob));
}

TEST_CASE("A PCR that may not change closes what is signed too, until it is again what it was", "[tpm]") {
  Machine machine;
  machine.settings.binding.pcrs = {11};
  machine.settings.binding.unchanged = {7};
  machine.start_something_else(7);
  machine.sign_state(machine.keys);
  const auto blob = machine.seal(machine.settings);
  CHECK(machine.unseal(machine.settings, blob));
  machine.start_something_else(7);
  const auto refused = machine.unseal(machine.settings, blob);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, ContainsSubstring("unchanged_pcrs"));
  CHECK_FALSE(refused.error().for_good);
  auto careless = machine.settings;
  careless.binding.unchanged = {};
  CHECK_FALSE(machine.unseal(careless, blob));

  machine.software.cut_power();
  machine.software.start();
  machine.start_something_else(7);
  CHECK(machine.unseal(machine.settings, blob));
}

TEST_CASE("A PCR that is extended meanwhile, whichever, ends no opening and no sealing", "[tpm]") {
  Machine machine;
  machine.settings.binding.pcrs = {11};
  machine.settings.binding.unchanged = {7};
  machine.sign_state(machine.keys);
  constexpr std::uint32_t unseal = 0x15E;
  constexpr std::uint32_t policy_authorize = 0x16A;  // between the two demands of PCRs
  for (const std::uint32_t command : {unseal, policy_authorize}) {
    const auto blob = machine.seal(machine.settings);
    test::ListeningBus bus{machine.software};
    auto settings = machine.settings;
    settings.tcti = bus.tcti();
    bus.before(command, {Machine::extension(0)});
    const auto opened = machine.unseal(settings, blob);
    CHECK(bus.inserted());
    REQUIRE(opened);
    CHECK(std::ranges::equal(*opened, a_secret()));
  }
  test::ListeningBus bus{machine.software};
  auto settings = machine.settings;
  settings.tcti = bus.tcti();
  bus.before(policy_authorize, {Machine::extension(0)});
  CHECK(machine.unseal(machine.settings, machine.seal(settings)));
  CHECK(bus.inserted());
}

TEST_CASE("A number that no TPM should ever be moved to is refused", "[tpm]") {
  Machine machine;
  machine.settings.binding.generations = true;
  machine.sign_state(machine.keys, 1'000'000);
  auto tpm = Tpm::open(machine.settings);
  REQUIRE(tpm);
  const auto refused = tpm->retire_older();
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, ContainsSubstring("too far"));
}

TEST_CASE("A file of signed policies is read as it was written, and refused with the reason where it is none") {
  const auto key = PolicyKey::parse_private(a_key().private_pem);
  REQUIRE(key);
  const std::vector policies{key->sign({{7, PcrDigest{}}, {11, PcrDigest{std::byte{1}}}}),
                             key->sign({{0, PcrDigest{}}}), key->sign({{0, PcrDigest{}}}, 20)};
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

TEST_CASE("A generation is a whole number above zero") {
  const auto key = PolicyKey::parse_private(a_key().private_pem);
  REQUIRE(key);
  const std::string text = to_json(std::vector{key->sign({{0, PcrDigest{}}}, 20)});
  REQUIRE(parse_pcr_signatures(text));
  for (const char* wrong : {"0", "-20", "20.5", "\"20\"", "null", "99999999999999999999"}) {
    auto changed = text;
    const auto at = changed.find(":20");
    REQUIRE(at != std::string::npos);
    changed.replace(at + 1, 2, wrong);
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
