#include "crypto/pcr_policy.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <cstdint>
#include <format>
#include <optional>

#include "crypto/byte_text.hpp"
#include "crypto/digest.hpp"
#include "crypto/tpm_counter.hpp"

namespace cloister::crypto {
namespace json = boost::json;
namespace {

constexpr int key_bits = 2048;
constexpr std::size_t signature_bytes = key_bits / 8;
constexpr std::size_t policies_max = 256;

using BioPointer = std::unique_ptr<BIO, decltype([](BIO* bio) { BIO_free(bio); })>;
using ContextPointer = std::unique_ptr<EVP_MD_CTX, decltype([](EVP_MD_CTX* context) { EVP_MD_CTX_free(context); })>;
using NumberPointer = std::unique_ptr<BIGNUM, decltype([](BIGNUM* number) { BN_free(number); })>;

unsigned char* bytes_of(std::vector<std::byte>& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }
const unsigned char* bytes_of(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

const json::value* member(const json::value& object, std::string_view name) {
  return object.is_object() ? object.as_object().if_contains(name) : nullptr;
}

std::optional<std::string_view> text_of(const json::value& object, std::string_view name) {
  const auto* value = member(object, name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string_view{value->as_string()};
}

std::optional<std::vector<unsigned>> pcrs_of(const json::value& object) {
  const auto* value = member(object, "pcrs");
  if (value == nullptr || !value->is_array() || value->as_array().size() > pcr_max + 1) return std::nullopt;
  std::vector<unsigned> pcrs;
  for (const auto& element : value->as_array()) {
    if (!element.is_int64() || element.as_int64() < 0 || element.as_int64() > pcr_max) return std::nullopt;
    pcrs.push_back(static_cast<unsigned>(element.as_int64()));
  }
  std::ranges::sort(pcrs);
  return pcrs;
}

/// None at all where it is not what it should be.
std::optional<std::optional<std::uint64_t>> generation_of(const json::value& object) {
  const auto* value = member(object, "generation");
  if (value == nullptr) return std::optional<std::uint64_t>{};
  if (!value->is_int64() || value->as_int64() < 1) return std::nullopt;
  return std::optional{static_cast<std::uint64_t>(value->as_int64())};
}

std::optional<SignedPcrPolicy> policy_of(const json::value& object) {
  const auto pcrs = pcrs_of(object);
  const auto key = text_of(object, "pkfp");
  const auto policy = text_of(object, "pol");
  const auto signature = text_of(object, "sig");
  if (!pcrs || !key || !policy || !signature) return std::nullopt;
  const auto digest = pcr_digest_from_hex(*policy);
  auto bytes = from_base64(*signature);
  const auto generation = generation_of(object);
  if (!digest || !bytes || bytes->size() != signature_bytes || !generation) return std::nullopt;
  return SignedPcrPolicy{*pcrs, std::string{*key}, *digest, std::move(*bytes), *generation};
}

/// What a policy key signs (TPM 2.0 part 3, 23.16).
std::vector<std::byte> signed_part(const SignedPcrPolicy& policy) {
  std::vector<std::byte> bytes{policy.policy.begin(), policy.policy.end()};
  const auto reference = policy_reference(policy.generation.has_value());
  bytes.insert(bytes.end(), reference.begin(), reference.end());
  return bytes;
}

}  // namespace

std::optional<PcrDigest> pcr_digest_from_hex(std::string_view text) {
  const auto bytes = from_hex(text);
  PcrDigest digest{};
  if (!bytes || bytes->size() != digest.size()) return std::nullopt;
  std::ranges::copy(*bytes, digest.begin());
  return digest;
}

std::string pcr_digest_hex(const PcrDigest& digest) { return to_hex(digest); }

Result<PcrValues> parse_pcr_values(std::span<const std::string> texts) {
  PcrValues values;
  for (const auto& text : texts) {
    const auto equals = std::min(text.find('='), text.size());
    unsigned pcr = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + equals, pcr);
    const auto digest = pcr_digest_from_hex(std::string_view{text}.substr(std::min(equals + 1, text.size())));
    if (error != std::errc{} || end != text.data() + equals || pcr > pcr_max || !digest)
      return fail(std::format("'{}' is no PCR's value: expected a PCR of 0 to {}, '=', and 64 hexadecimal digits", text,
                              pcr_max));
    if (!values.emplace(pcr, *digest).second) return fail(std::format("PCR {} is given twice", pcr));
  }
  return values;
}

std::span<const std::byte> policy_reference(bool generations) {
  constexpr std::string_view reference = "cloister image generation v1";
  return generations ? std::as_bytes(std::span{reference}) : std::span<const std::byte>{};
}

PcrDigest pcr_policy(const PcrValues& values, std::optional<std::uint64_t> generation) {
  std::vector<std::byte> in_order;
  std::array<std::byte, 3> selected{};
  for (const auto& [pcr, value] : values) {
    selected[pcr / 8] |= std::byte{1} << (pcr % 8);
    in_order.insert(in_order.end(), value.begin(), value.end());
  }
  const auto composite = sha256(in_order);
  // TPM_CC_PolicyPCR; TPML_PCR_SELECTION: one bank, TPM_ALG_SHA256, three bytes of selection.
  constexpr std::array<unsigned char, 11> fixed{0, 0, 0x01, 0x7F, 0, 0, 0, 1, 0, 0x0B, 3};
  std::array<std::byte, 2 * PcrDigest{}.size() + fixed.size() + selected.size()> policy{};  // a fresh session's: zero
  auto at = std::ranges::copy(std::as_bytes(std::span{fixed}), policy.begin() + PcrDigest{}.size()).out;
  at = std::ranges::copy(selected, at).out;
  std::ranges::copy(composite, at);
  const auto digest = sha256(policy);
  return generation ? TpmCounter::at_most(digest, TpmCounter::image_generation, *generation) : digest;
}

Result<std::vector<SignedPcrPolicy>> parse_pcr_signatures(std::string_view text) {
  const auto refused = [](const char* what) {
    return fail(
        std::format("is no file of signed PCR policies ({}): make one with 'cloisterctl pcr-policy sign' or "
                    "systemd-measure",
                    what));
  };
  if (text.size() > pcr_signatures_bytes_max) return refused("it is longer than 64 KiB");
  boost::system::error_code wrong;
  const auto document = json::parse(text, wrong);
  if (wrong) return refused("it is not JSON");
  const auto* bank = member(document, "sha256");
  if (bank == nullptr || !bank->is_array()) return refused("it has no list 'sha256'");
  if (bank->as_array().size() > policies_max) return refused("it has more than 256 policies");
  std::vector<SignedPcrPolicy> policies;
  for (const auto& element : bank->as_array()) {
    auto policy = policy_of(element);
    if (!policy)
      return refused(
          "an entry lacks 'pcrs', 'pkfp', 'pol' or 'sig', or they or 'generation' are not what they should be");
    policies.push_back(std::move(*policy));
  }
  return policies;
}

std::string to_json(std::span<const SignedPcrPolicy> policies) {
  json::array bank;
  for (const auto& policy : policies) {
    json::object entry{{"pcrs", json::value_from(policy.pcrs)},
                       {"pkfp", policy.key},
                       {"pol", to_hex(policy.policy)},
                       {"sig", to_base64(policy.signature)}};
    if (policy.generation) entry["generation"] = *policy.generation;
    bank.push_back(std::move(entry));
  }
  return json::serialize(json::object{{"sha256", std::move(bank)}}) + '\n';
}

PolicyKey::PolicyKey(KeyPointer key) : key_{std::move(key)} {
  unsigned char* der = nullptr;
  const int length = i2d_PublicKey(key_.get(), &der);
  require(length > 0, "OpenSSL does not write a public key");
  fingerprint_ = sha256_hex(std::as_bytes(std::span{der, static_cast<std::size_t>(length)}));
  OPENSSL_free(der);
}

Result<PolicyKey> PolicyKey::checked(KeyPointer key) {
  ERR_clear_error();
  constexpr BN_ULONG usual_exponent = 65537;
  BIGNUM* exponent = nullptr;
  const bool usual = key && EVP_PKEY_is_a(key.get(), "RSA") == 1 && EVP_PKEY_get_bits(key.get()) == key_bits &&
                     EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 &&
                     BN_is_word(exponent, usual_exponent) == 1;
  const NumberPointer owned{exponent};
  if (!usual)
    return fail(
        "is no policy key: expected PEM, RSA of 2048 bits, as 'openssl genrsa 2048' makes it ('openssl rsa "
        "-pubout' its public half)");
  return PolicyKey{std::move(key)};
}

Result<PolicyKey> PolicyKey::parse_public(std::string_view pem) {
  const BioPointer in{BIO_new_mem_buf(pem.data(), static_cast<int>(std::min(pem.size(), public_key_text_bytes_max)))};
  require(in != nullptr, "OpenSSL gives no memory BIO");
  return checked(
      KeyPointer{PEM_read_bio_PUBKEY(in.get(), nullptr, [](char*, int, int, void*) { return -1; }, nullptr)});
}

Result<PolicyKey> PolicyKey::parse_private(std::string_view pem) {
  const BioPointer in{BIO_new_mem_buf(pem.data(), static_cast<int>(std::min(pem.size(), public_key_text_bytes_max)))};
  require(in != nullptr, "OpenSSL gives no memory BIO");
  return checked(KeyPointer{PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr)});
}

std::vector<std::byte> PolicyKey::modulus() const {
  BIGNUM* number = nullptr;
  require(EVP_PKEY_get_bn_param(key_.get(), OSSL_PKEY_PARAM_RSA_N, &number) == 1, "an RSA key has a modulus");
  const NumberPointer owned{number};
  std::vector<std::byte> bytes(signature_bytes);
  require(BN_bn2binpad(number, bytes_of(bytes), key_bits / 8) == key_bits / 8, "the modulus has 2048 bits");
  return bytes;
}

bool PolicyKey::verifies(const SignedPcrPolicy& policy) const {
  return crypto::verifies(key_.get(), "SHA256", policy.signature, signed_part(policy));
}

SignedPcrPolicy PolicyKey::sign(const PcrValues& values, std::optional<std::uint64_t> generation) const {
  SignedPcrPolicy policy{.pcrs = {},
                         .key = fingerprint_,
                         .policy = pcr_policy(values, generation),
                         .signature = {},
                         .generation = generation};
  for (const auto& [pcr, value] : values) policy.pcrs.push_back(pcr);
  return with_signature(std::move(policy));
}

Result<SignedPcrPolicy> PolicyKey::number(const SignedPcrPolicy& policy, std::uint64_t generation) const {
  if (policy.generation)
    return fail(std::format("names generation {} already: number what systemd-measure signs", *policy.generation));
  if (!verifies(policy)) return fail("was not signed by this key: number what the same key has signed");
  return with_signature({.pcrs = policy.pcrs,
                         .key = fingerprint_,
                         .policy = TpmCounter::at_most(policy.policy, TpmCounter::image_generation, generation),
                         .signature = {},
                         .generation = generation});
}

SignedPcrPolicy PolicyKey::with_signature(SignedPcrPolicy policy) const {
  policy.signature.resize(signature_bytes);
  std::size_t length = policy.signature.size();
  const auto what = signed_part(policy);
  const ContextPointer context{EVP_MD_CTX_new()};
  require(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
              EVP_DigestSign(context.get(), bytes_of(policy.signature), &length,
                             bytes_of(std::span<const std::byte>{what}), what.size()) == 1 &&
              length == signature_bytes,
          "OpenSSL does not sign with a private RSA key");
  return policy;
}

}  // namespace cloister::crypto
