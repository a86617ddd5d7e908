// Sealing with a real TPM 2.0 (swtpm), over a bus that somebody listens to.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "crypto/tpm.hpp"
#include "crypto/tpm_blob.hpp"
#include "crypto/tpm_counter.hpp"
#include "tests/unit/crypto/software_tpm.hpp"

namespace cloister::crypto {
namespace {
using Catch::Matchers::ContainsSubstring;
using test::ListeningBus;
using test::SoftwareTpm;

std::vector<std::byte> a_secret() {
  std::vector<std::byte> secret;
  for (int i = 0; i < 32; ++i) secret.push_back(static_cast<std::byte>(0xC0 + 7 * i));
  return secret;
}

TEST_CASE(
    "A sealed secret comes back from the TPM that sealed it, also after a restart of the connection, and from no other",
    "[tpm]") {
  const SoftwareTpm ours;
  const SoftwareTpm other;
  std::vector<std::byte> blob;
  {
    auto tpm = Tpm::open(ours.tcti());
    REQUIRE(tpm);
    auto sealed = tpm->seal(a_secret());
    REQUIRE(sealed);
    blob = *sealed;
  }
  CHECK(std::ranges::search(blob, a_secret()).empty());
  auto tpm = Tpm::open(ours.tcti());
  REQUIRE(tpm);
  const auto opened = tpm->unseal(blob);
  REQUIRE(opened);
  CHECK(std::ranges::equal(*opened, a_secret()));

  auto foreign = Tpm::open(other.tcti());
  REQUIRE(foreign);
  const auto refused = foreign->unseal(blob);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, ContainsSubstring("sealed by another TPM"));
}

TEST_CASE("A changed blob is refused, whatever byte was changed", "[tpm]") {
  const SoftwareTpm software;
  auto tpm = Tpm::open(software.tcti());
  REQUIRE(tpm);
  const auto blob = tpm->seal(a_secret());
  REQUIRE(blob);
  for (std::size_t i = 0; i < blob->size(); i += 5) {
    auto changed = *blob;
    changed[i] ^= std::byte{0x10};
    INFO("byte " << i);
    const auto opened = tpm->unseal(changed);
    CHECK_FALSE(opened);
  }
  CHECK(tpm->unseal(*blob));  // and the TPM is not locked out by it
}

TEST_CASE("A secret never crosses the TPM's bus in clear", "[tpm]") {
  const SoftwareTpm software;
  ListeningBus bus{software};
  auto tpm = Tpm::open(bus.tcti());
  REQUIRE(tpm);
  const auto blob = tpm->seal(a_secret());
  REQUIRE(blob);
  REQUIRE(tpm->unseal(*blob));
  CHECK(bus.bytes_heard() > 1000);
  const auto secret = a_secret();
  CHECK(bus.times_seen(std::span{secret}.first(8)) == 0);
  CHECK(bus.times_seen(std::span{secret}.last(8)) == 0);
  const std::array tag{std::byte{0x80}, std::byte{0x02}};  // TPM_ST_SESSIONS: the search finds what is there
  CHECK(bus.times_seen(tag) > 0);
}

TEST_CASE(
    "Whatever was sealed before a generation's end opens no more, from a copy of the files and on the same TPM too; "
    "what is sealed after it does",
    "[tpm]") {
  SoftwareTpm software;
  std::vector<std::byte> before;
  {
    auto tpm = Tpm::open(software.tcti());
    REQUIRE(tpm);
    const auto sealed = tpm->seal(a_secret());
    REQUIRE(sealed);
    before = *sealed;
    REQUIRE(tpm->unseal(before));
    REQUIRE(tpm->end_generation());
    const auto refused = tpm->unseal(before);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message, ContainsSubstring("zeroized") && ContainsSubstring("seal it again"));
  }
  software.cut_power();
  software.start();
  auto tpm = Tpm::open(software.tcti());
  REQUIRE(tpm);
  CHECK_FALSE(tpm->unseal(before));
  const auto after = tpm->seal(a_secret());
  REQUIRE(after);
  CHECK(tpm->unseal(*after));
}

TEST_CASE("Deleting the generation counter opens nothing that was sealed before", "[tpm]") {
  const SoftwareTpm software;
  auto tpm = Tpm::open(software.tcti());
  REQUIRE(tpm);
  const auto sealed = tpm->seal(a_secret());
  REQUIRE(sealed);
  REQUIRE(TpmCounter::remove(*tpm, 0x01880000U));
  CHECK_FALSE(tpm->unseal(*sealed));  // where it makes the counter anew, above its old value
  CHECK_FALSE(tpm->unseal(*sealed));
}

TEST_CASE("The TPM itself refuses an object of an earlier generation, whatever our own comparison says", "[tpm]") {
  const SoftwareTpm software;
  auto tpm = Tpm::open(software.tcti());
  REQUIRE(tpm);
  const auto before = tpm->seal(a_secret());
  REQUIRE(before);
  REQUIRE(tpm->end_generation());
  const auto after = tpm->seal(a_secret());
  REQUIRE(after);
  // The public part of today's object, which names today's policy, before the private part of yesterday's.
  auto old_parts = decode_tpm_blob(*before);
  const auto new_parts = decode_tpm_blob(*after);
  REQUIRE(old_parts);
  REQUIRE(new_parts);
  old_parts->public_part.publicArea.authPolicy = new_parts->public_part.publicArea.authPolicy;
  const auto forged = encode_tpm_blob(old_parts->public_part, old_parts->private_part);
  REQUIRE(forged);
  CHECK_FALSE(tpm->unseal(*forged));
}

TEST_CASE("A TPM that is not there is one line that says what to look at", "[tpm]") {
  const auto tpm = Tpm::open(std::string{"swtpm:path=/nonexistent/tpm"});
  REQUIRE_FALSE(tpm);
  CHECK_THAT(tpm.error().message, ContainsSubstring("cannot be reached") && ContainsSubstring("tpm.tcti"));
  CHECK_FALSE(tpm.error().message.contains('\n'));
}

TEST_CASE("A blob that is cut short or has more behind it is refused", "[tpm]") {
  const SoftwareTpm software;
  auto tpm = Tpm::open(software.tcti());
  REQUIRE(tpm);
  auto blob = tpm->seal(a_secret());
  REQUIRE(blob);
  REQUIRE(decode_tpm_blob(*blob));
  for (std::size_t length = 0; length < blob->size(); ++length)
    REQUIRE_FALSE(decode_tpm_blob(std::span{*blob}.first(length)));
  blob->push_back(std::byte{0});
  CHECK_FALSE(decode_tpm_blob(*blob));
  CHECK_FALSE(tpm->seal({}));
  CHECK_FALSE(tpm->seal(std::vector<std::byte>(129)));
}

}  // namespace
}  // namespace cloister::crypto
