#include "crypto/quote.hpp"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <tss2/tss2_mu.h>

#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <functional>
#include <memory>

#include "crypto/byte_text.hpp"
#include "crypto/digest.hpp"
#include "crypto/tpm.hpp"
#include "tests/unit/crypto/software_tpm.hpp"

using namespace cloister;
using namespace cloister::crypto;
using namespace cloister::crypto::test;

namespace {

constexpr std::array pcrs{7U, 11U};
const std::vector<std::byte> challenge(32, std::byte{0xC4});

}  // namespace

TEST_CASE("A TPM's quote holds for its challenge and its PCRs, and a start later has the same key") {
  SoftwareTpm device;
  auto tpm = Tpm::open({device.tcti()});
  REQUIRE(tpm);
  const auto quote = tpm->quote(challenge, pcrs);
  REQUIRE(quote);
  REQUIRE(check_quote(*quote, challenge));
  CHECK(quote->pcrs == *tpm->read_pcrs(pcrs));

  device.cut_power();
  device.start();
  auto again = Tpm::open({device.tcti()});
  REQUIRE(again);
  const auto second = again->quote({}, pcrs);
  REQUIRE(second);
  CHECK(check_quote(*second, {}));
  CHECK(quoting_key_fingerprint(second->key) == quoting_key_fingerprint(quote->key));
  CHECK_FALSE(check_quote(*second, challenge));
  CHECK_FALSE(again->quote(std::vector<std::byte>(33), pcrs));

  SoftwareTpm other;
  CHECK(quoting_key_fingerprint(Tpm::open({other.tcti()})->quote(challenge, pcrs)->key) !=
        quoting_key_fingerprint(quote->key));
}

TEST_CASE("A quote of which a byte was changed does not hold, nor with other values of PCRs") {
  SoftwareTpm device;
  auto tpm = Tpm::open({device.tcti()});
  REQUIRE(tpm);
  const auto quote = tpm->quote(challenge, pcrs);
  REQUIRE(quote);
  for (const auto part : {&Quote::statement, &Quote::signature}) {
    for (std::size_t i = 0; i < ((*quote).*part).size(); ++i) {
      auto changed = *quote;
      (changed.*part)[i] ^= std::byte{1};
      CHECK_FALSE(check_quote(changed, challenge));
    }
  }
  auto other_value = *quote;
  other_value.pcrs[7][0] ^= std::byte{1};
  CHECK_FALSE(check_quote(other_value, challenge));
  auto fewer = *quote;
  fewer.pcrs.erase(11);
  CHECK_FALSE(check_quote(fewer, challenge));
  auto more = *quote;
  more.pcrs[12] = {};
  CHECK_FALSE(check_quote(more, challenge));
}

namespace {

/// A key that nobody keeps from signing whatever its owner writes.
struct OwnKey {
  KeyPointer pair{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")};

  [[nodiscard]] TPMT_PUBLIC area() const {
    TPMT_PUBLIC out{};
    out.type = TPM2_ALG_ECC;
    out.nameAlg = TPM2_ALG_SHA256;
    out.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                           TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT;
    auto& ecc = out.parameters.eccDetail;
    ecc.symmetric.algorithm = TPM2_ALG_NULL;
    ecc.scheme.scheme = TPM2_ALG_ECDSA;
    ecc.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
    ecc.curveID = TPM2_ECC_NIST_P256;
    ecc.kdf.scheme = TPM2_ALG_NULL;
    std::array<unsigned char, 65> point{};
    std::size_t length = 0;
    REQUIRE(EVP_PKEY_get_octet_string_param(pair.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size(), &length) ==
            1);
    for (auto* const coordinate : {&out.unique.ecc.x, &out.unique.ecc.y}) coordinate->size = 32;
    std::ranges::copy(std::span{point}.subspan(1, 32), out.unique.ecc.x.buffer);
    std::ranges::copy(std::span{point}.subspan(33, 32), out.unique.ecc.y.buffer);
    return out;
  }
  [[nodiscard]] std::vector<std::byte> sign(std::span<const std::byte> bytes) const {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
    std::vector<std::byte> signature(128);
    std::size_t length = signature.size();
    REQUIRE(EVP_DigestSignInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr, pair.get(), nullptr) == 1);
    REQUIRE(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length,
                           reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()) == 1);
    signature.resize(length);
    return signature;
  }
};

template <class T, class Marshal>
std::vector<std::byte> marshalled(const T& value, Marshal marshal) {
  std::vector<std::byte> bytes(4096);
  std::size_t length = 0;
  REQUIRE(marshal(&value, reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size(), &length) == TSS2_RC_SUCCESS);
  bytes.resize(length);
  return bytes;
}

/// Of PCRs 7 and 11, both zero.
TPMS_ATTEST good_statement() {
  TPMS_ATTEST out{};
  out.magic = TPM2_GENERATED_VALUE;
  out.type = TPM2_ST_ATTEST_QUOTE;
  out.extraData.size = static_cast<UINT16>(challenge.size());
  std::memcpy(out.extraData.buffer, challenge.data(), challenge.size());
  auto& quote = out.attested.quote;
  quote.pcrSelect.count = 1;
  quote.pcrSelect.pcrSelections[0] = {.hash = TPM2_ALG_SHA256, .sizeofSelect = 3, .pcrSelect = {0x80, 0x08, 0}};
  const auto digest = sha256(std::vector<std::byte>(64));
  quote.pcrDigest.size = 32;
  std::memcpy(quote.pcrDigest.buffer, digest.data(), digest.size());
  return out;
}

}  // namespace

TEST_CASE("Of all that a key may sign only a TPM's own quote holds, and of all keys only a restricted one's") {
  const OwnKey key;
  const auto holds = [&](const std::function<void(TPMT_PUBLIC&, TPMS_ATTEST&)>& change, std::size_t behind = 0) {
    auto area = key.area();
    auto statement = good_statement();
    change(area, statement);
    auto bytes = marshalled(statement, Tss2_MU_TPMS_ATTEST_Marshal);
    bytes.resize(bytes.size() + behind);
    const Quote quote{.key = marshalled(area, Tss2_MU_TPMT_PUBLIC_Marshal),
                      .statement = bytes,
                      .signature = key.sign(bytes),
                      .pcrs = {{7, {}}, {11, {}}},
                      .boot_log = {}};
    return check_quote(quote, challenge).has_value();
  };
  CHECK(holds([](auto&, auto&) {}));  // so what is refused below is so for the one thing that is changed
  CHECK_FALSE(holds([](auto&, auto&) {}, 1));
  for (const TPMA_OBJECT lacking : {TPMA_OBJECT_RESTRICTED, TPMA_OBJECT_FIXEDTPM, TPMA_OBJECT_FIXEDPARENT,
                                    TPMA_OBJECT_SENSITIVEDATAORIGIN, TPMA_OBJECT_SIGN_ENCRYPT})
    CHECK_FALSE(holds([&](auto& area, auto&) { area.objectAttributes &= ~lacking; }));
  CHECK_FALSE(holds([](auto& area, auto&) { area.objectAttributes |= TPMA_OBJECT_DECRYPT; }));
  CHECK_FALSE(holds([](auto& area, auto&) { area.nameAlg = TPM2_ALG_SHA384; }));
  CHECK_FALSE(holds([](auto&, auto& statement) { statement.magic ^= 1; }));
  CHECK_FALSE(holds([](auto&, auto& statement) {
    statement.type = TPM2_ST_ATTEST_CREATION;
    statement.attested = {};
  }));
  CHECK_FALSE(holds([](auto&, auto& statement) { statement.extraData.size = 31; }));
  const auto bank = [](auto& statement) -> TPMS_PCR_SELECTION& {
    return statement.attested.quote.pcrSelect.pcrSelections[0];
  };
  CHECK_FALSE(holds([&](auto&, auto& statement) { bank(statement).hash = TPM2_ALG_SHA1; }));
  CHECK_FALSE(holds([&](auto&, auto& statement) { bank(statement).pcrSelect[0] = 0x40; }));
  CHECK_FALSE(holds([&](auto&, auto& statement) { bank(statement).pcrSelect[2] = 1; }));
  CHECK_FALSE(holds([&](auto&, auto& statement) { bank(statement).sizeofSelect = 1; }));
  CHECK_FALSE(holds([](auto&, auto& statement) { statement.attested.quote.pcrSelect.count = 0; }));
  CHECK_FALSE(holds([&](auto&, auto& statement) {
    auto& select = statement.attested.quote.pcrSelect;
    select.count = 2;
    select.pcrSelections[1] = select.pcrSelections[0];
  }));
  CHECK_FALSE(holds([](auto&, auto& statement) { statement.attested.quote.pcrDigest.buffer[0] ^= 1; }));
}

TEST_CASE("A quote as JSON is read as it was written; what is missing or twice there is refused") {
  const Quote quote{.key = {std::byte{1}},
                    .statement = {std::byte{2}, std::byte{3}},
                    .signature = {},
                    .pcrs = {{7, {}}, {11, {}}},
                    .boot_log = {}};
  const auto text = to_json(quote);
  CHECK(parse_quote(text) == quote);
  for (const std::string_view wrong :
       {"", "[]", "{}", R"({"key":"AQ==","statement":"","signature":"","boot_log":"","pcrs":7})",
        R"({"key":"AQ=","statement":"","signature":"","boot_log":"","pcrs":[]})",
        R"({"key":"AQ==","statement":"","signature":"","boot_log":"","pcrs":[{"pcr":24,"sha256":""}]})"})
    CHECK_FALSE(parse_quote(wrong));
  const auto zeros = std::string(64, '0');
  const auto twice = R"({"key":"","statement":"","signature":"","boot_log":"","pcrs":[{"pcr":7,"sha256":")" + zeros +
                     R"("},{"pcr":7,"sha256":")" + zeros + R"("}]})";
  CHECK_FALSE(parse_quote(twice));
}

TEST_CASE("Bytes as text have one form, and come back") {
  for (std::size_t length = 0; length < 70; ++length) {
    const std::vector<std::byte> bytes(length, static_cast<std::byte>(0xA0 + length));
    CHECK(from_hex(to_hex(bytes)) == bytes);
    CHECK(from_base64(to_base64(bytes)) == bytes);
  }
  CHECK(to_hex(std::array{std::byte{0x0F}, std::byte{0xF0}}) == "0ff0");
  for (const std::string_view wrong : {"0", "0g", "0f ", "00 11"}) CHECK_FALSE(from_hex(wrong));
  for (const std::string_view wrong : {"A", "AB==", "AA=", "AA==\n", "A A=", "====", "AA==AA=="})
    CHECK_FALSE(from_base64(wrong));
}
