#include "crypto/quote.hpp"

#include <tss2/tss2_mu.h>

#include <algorithm>
#include <boost/json.hpp>
#include <format>
#include <optional>

#include "crypto/byte_text.hpp"
#include "crypto/digest.hpp"
#include "crypto/tpm_signing.hpp"

namespace cloister::crypto {
namespace json = boost::json;
namespace {

const std::uint8_t* octets(std::span<const std::byte> bytes) {
  return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

/// Nothing behind it.
template <class T, class Unmarshal>
std::optional<T> whole(std::span<const std::byte> bytes, Unmarshal unmarshal) {
  T value{};
  std::size_t offset = 0;
  if (unmarshal(octets(bytes), bytes.size(), &offset, &value) != TSS2_RC_SUCCESS || offset != bytes.size())
    return std::nullopt;
  return value;
}

/// Made in a TPM, never to leave it, and restricted to what that TPM itself states.
constexpr TPMA_OBJECT demanded = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                                 TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT;

std::optional<TPMT_PUBLIC> restricted_key(std::span<const std::byte> bytes) {
  const auto area = whole<TPMT_PUBLIC>(bytes, Tss2_MU_TPMT_PUBLIC_Unmarshal);
  if (!area || area->type != TPM2_ALG_ECC || area->nameAlg != TPM2_ALG_SHA256) return std::nullopt;
  const auto& ecc = area->parameters.eccDetail;
  if ((area->objectAttributes & demanded) != demanded || (area->objectAttributes & TPMA_OBJECT_DECRYPT) != 0 ||
      ecc.curveID != TPM2_ECC_NIST_P256 || ecc.scheme.scheme != TPM2_ALG_ECDSA ||
      ecc.scheme.details.ecdsa.hashAlg != TPM2_ALG_SHA256)
    return std::nullopt;
  return area;
}

bool is_signed(const Quote& quote, const TPMT_PUBLIC& area) {
  const auto face = face_of(area);
  const auto key = face ? key_by_point(face->kind, face->point) : KeyPointer{};
  return key != nullptr && verifies(key.get(), "SHA256", quote.signature, quote.statement);
}

/// One bank, SHA-256, and these PCRs of it.
bool selects(const TPML_PCR_SELECTION& selection, const PcrValues& pcrs) {
  if (selection.count != 1 || selection.pcrSelections[0].hash != TPM2_ALG_SHA256) return false;
  const auto& bank = selection.pcrSelections[0];
  for (unsigned pcr = 0; pcr < 8U * bank.sizeofSelect; ++pcr) {
    if (((bank.pcrSelect[pcr / 8] >> (pcr % 8)) & 1) != (pcrs.contains(pcr) ? 1 : 0)) return false;
  }
  return std::ranges::all_of(pcrs, [&](const auto& pcr) { return pcr.first < 8U * bank.sizeofSelect; });
}

template <class Digest>
bool equal(const Digest& digest, std::span<const std::byte> bytes) {
  return std::ranges::equal(std::as_bytes(std::span{digest.buffer}).first(digest.size), bytes);
}

std::optional<std::vector<std::byte>> bytes_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? from_base64(value->as_string()) : std::nullopt;
}

std::optional<PcrValues> pcrs_of(const json::object& object) {
  const auto* list = object.if_contains("pcrs");
  if (list == nullptr || !list->is_array()) return std::nullopt;
  PcrValues values;
  for (const auto& element : list->as_array()) {
    const auto* entry = element.if_object();
    const auto* pcr = entry != nullptr ? entry->if_contains("pcr") : nullptr;
    const auto* digest = entry != nullptr ? entry->if_contains("sha256") : nullptr;
    if (pcr == nullptr || digest == nullptr || !pcr->is_int64() || pcr->as_int64() < 0 || pcr->as_int64() > pcr_max ||
        !digest->is_string())
      return std::nullopt;
    const auto value = pcr_digest_from_hex(digest->as_string());
    if (!value || !values.emplace(static_cast<unsigned>(pcr->as_int64()), *value).second) return std::nullopt;
  }
  return values;
}

}  // namespace

PcrDigest quoting_key_fingerprint(std::span<const std::byte> key) { return sha256(key); }

Result<> check_statement(std::span<const std::byte> bytes, const PcrValues& pcrs,
                         std::span<const std::byte> challenge) {
  // TPM2_GENERATED_VALUE: what a restricted key signs begins so only where the TPM itself has written it.
  const auto statement = whole<TPMS_ATTEST>(bytes, Tss2_MU_TPMS_ATTEST_Unmarshal);
  if (!statement || statement->magic != TPM2_GENERATED_VALUE || statement->type != TPM2_ST_ATTEST_QUOTE)
    return fail("what is signed is no quote of PCRs");
  if (!equal(statement->extraData, challenge))
    return fail("it answers another challenge: it may be old, or be another box's");
  const auto& quoted = statement->attested.quote;
  std::vector<std::byte> in_order;
  for (const auto& [pcr, value] : pcrs) in_order.insert(in_order.end(), value.begin(), value.end());
  if (!selects(quoted.pcrSelect, pcrs) || !equal(quoted.pcrDigest, sha256(in_order)))
    return fail("the values of PCRs that come with it are not those that are signed");
  return {};
}

Result<> check_quote(const Quote& quote, std::span<const std::byte> challenge) {
  const auto area = restricted_key(quote.key);
  if (!area)
    return fail("its key is not one that a TPM has made to attest: expected ECDSA P-256, restricted, fixed to the TPM");
  if (!is_signed(quote, *area)) return fail("its signature is not of what it says, or of another key");
  return check_statement(quote.statement, quote.pcrs, challenge);
}

std::string to_json(const Quote& quote) {
  json::array pcrs;
  for (const auto& [pcr, value] : quote.pcrs)
    pcrs.push_back(json::object{{"pcr", pcr}, {"sha256", pcr_digest_hex(value)}});
  return json::serialize(json::object{{"key", to_base64(quote.key)},
                                      {"statement", to_base64(quote.statement)},
                                      {"signature", to_base64(quote.signature)},
                                      {"pcrs", std::move(pcrs)},
                                      {"boot_log", to_base64(quote.boot_log)}}) +
         '\n';
}

Result<Quote> parse_quote(std::string_view text) {
  const auto refused = [](std::string_view why) {
    return fail(std::format("is no quote ({}): expected what 'cloisterctl attest --json' has printed", why));
  };
  if (text.size() > quote_text_bytes_max) return refused("it is longer than 1 MiB");
  boost::system::error_code wrong;
  const auto document = json::parse(text, wrong);
  if (wrong || !document.is_object()) return refused("it is not JSON");
  const auto& object = document.as_object();
  auto key = bytes_of(object, "key");
  auto statement = bytes_of(object, "statement");
  auto signature = bytes_of(object, "signature");
  auto boot_log = bytes_of(object, "boot_log");
  auto pcrs = pcrs_of(object);
  if (!key || !statement || !signature || !boot_log || !pcrs)
    return refused("'key', 'statement', 'signature', 'boot_log' or 'pcrs' is missing, or not what it should be");
  return Quote{.key = std::move(*key),
               .statement = std::move(*statement),
               .signature = std::move(*signature),
               .pcrs = std::move(*pcrs),
               .boot_log = std::move(*boot_log)};
}

}  // namespace cloister::crypto
