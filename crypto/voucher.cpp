#include "crypto/voucher.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <format>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "crypto/signing_provider.hpp"

namespace cloister::crypto {
namespace {

constexpr std::string_view first_line = "cloister voucher 1";
constexpr std::size_t name_characters_max = 63;

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using DigestPointer = std::unique_ptr<EVP_MD_CTX, FreeDigest>;

/// ML-DSA signs a message as it is; ECDSA signs its digest, by the curve.
const char* digest_of(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "ML-DSA-65") == 1) return nullptr;
  return EVP_PKEY_get_bits(key) == 256 ? "SHA256" : "SHA384";
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string to_base64(const std::vector<unsigned char>& bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::optional<std::vector<unsigned char>> from_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  std::vector<unsigned char> bytes(text.size() / 4 * 3);
  const int length = EVP_DecodeBlock(bytes.data(), bytes_of(text), static_cast<int>(text.size()));
  ERR_clear_error();
  const auto padding = static_cast<std::size_t>(std::ranges::count(text, '='));
  if (length < 0 || padding > 2) return std::nullopt;
  bytes.resize(static_cast<std::size_t>(length) - padding);
  // One form only.
  if (to_base64(bytes) != text) return std::nullopt;
  return bytes;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= name_characters_max && std::ranges::all_of(text, [](char character) {
    return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9') || character == '-';
  });
}
bool is_fingerprint(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}
bool is_date(std::string_view text) {
  constexpr std::string_view form = "dddd-dd-dd";
  return text.size() == form.size() && std::ranges::equal(text, form, [](char character, char kind) {
           return kind == '-' ? character == '-' : character >= '0' && character <= '9';
         });
}

std::string signed_part(const Voucher& voucher) {
  return std::format("{}\nbox: {}\nkey: {}\nby: {}\ndate: {}\n", first_line, voucher.box, voucher.key.hex, voucher.by,
                     voucher.date);
}

/// The rest of the line that begins with `label`, which is taken away with its end.
std::optional<std::string_view> take(std::string_view& text, std::string_view label) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos || !text.starts_with(label)) return std::nullopt;
  const auto value = text.substr(label.size(), end - label.size());
  text.remove_prefix(end + 1);
  return value;
}

std::string without_carriage_returns(std::string_view text) {
  std::string plain{text};
  std::erase(plain, '\r');
  return plain;
}

}  // namespace

Result<std::string> make_voucher(const Identity& identity, const Voucher& says) {
  const std::string text = signed_part(says);
  const KeyPointer key = identity.key();
  const DigestPointer context{EVP_MD_CTX_new()};
  require(key != nullptr && context != nullptr, "OpenSSL is out of memory");
  ERR_clear_error();
  std::size_t length = 0;
  std::vector<unsigned char> signature;
  bool made =
      EVP_DigestSignInit_ex(context.get(), nullptr, digest_of(key.get()), nullptr, nullptr, key.get(), nullptr) == 1 &&
      EVP_DigestSign(context.get(), nullptr, &length, bytes_of(text), text.size()) == 1;
  if (made) {
    signature.resize(length);
    made = EVP_DigestSign(context.get(), signature.data(), &length, bytes_of(text), text.size()) == 1;
  }
  if (!made)
    return fail(std::format("the voucher is not signed: {}", last_signer_failure().value_or("OpenSSL does not sign")));
  signature.resize(length);
  return std::format("{}signature: {}\n{}", text, to_base64(signature), to_pem(key.get()));
}

Result<Voucher> parse_voucher(std::string_view text) {
  const auto refused = [](std::string_view why) {
    return fail(std::format("is no voucher: {}: expected the file that 'cloisterctl voucher make' wrote", why));
  };
  if (text.size() > voucher_text_bytes_max) return refused("it is too long");
  const std::string plain = without_carriage_returns(text);
  std::string_view rest = plain;
  const auto head = take(rest, first_line);
  const auto box = take(rest, "box: ");
  const auto key = take(rest, "key: ");
  const auto by = take(rest, "by: ");
  const auto date = take(rest, "date: ");
  const auto encoded = take(rest, "signature: ");
  if (!head || !head->empty() || !box || !key || !by || !date || !encoded)
    return refused("a line is missing or changed");
  if (!is_name(*box) || !is_fingerprint(*key) || !is_name(*by) || !is_date(*date))
    return refused("a name, fingerprint or date has another form");
  const auto signature = from_base64(*encoded);
  if (!signature) return refused("its signature cannot be read");
  const auto signer = parse_public_key(rest);
  if (!signer) return refused("there is no public key, and nothing else, behind its signature");
  Voucher voucher{.box = std::string{*box},
                  .key = {std::string{*key}},
                  .by = std::string{*by},
                  .date = std::string{*date},
                  .by_key = fingerprint_of(signer->get())};
  const std::string says = signed_part(voucher);
  const DigestPointer context{EVP_MD_CTX_new()};
  require(context != nullptr, "OpenSSL is out of memory");
  const bool holds =
      EVP_DigestVerifyInit_ex(context.get(), nullptr, digest_of(signer->get()), nullptr, nullptr, signer->get(),
                              nullptr) == 1 &&
      EVP_DigestVerify(context.get(), signature->data(), signature->size(), bytes_of(says), says.size()) == 1;
  ERR_clear_error();
  if (!holds) return fail("was changed: its signature is not of what it says, or of another key");
  return voucher;
}

Result<Fingerprint> vouched_key(const std::string& box, const std::vector<Voucher>& vouchers,
                                const std::vector<Believed>& believed, std::size_t at_least) {
  std::optional<Fingerprint> key;
  std::set<std::string> counted;
  for (const auto& voucher : vouchers) {
    if (voucher.box != box)
      return fail(std::format("box '{}' vouches for '{}', not for '{}'", voucher.by, voucher.box, box));
    const auto known = std::ranges::find(believed, voucher.by, &Believed::box);
    if (known == believed.end())
      return fail(
          std::format("box '{}' vouches for '{}', and is none of those whose word is taken (--by)", voucher.by, box));
    if (known->key != voucher.by_key) {
      return fail(
          std::format("the voucher of box '{}' is signed by a key with the fingerprint {}, and {} is expected: "
                      "compare it with that box's operator",
                      voucher.by, voucher.by_key.hex, known->key.hex));
    }
    if (voucher.by_key == voucher.key) return fail(std::format("box '{}' vouches for its own key", voucher.by));
    if (key && *key != voucher.key) {
      return fail(
          std::format("the vouchers contradict each other: box '{}' says that '{}' has the key {}, another says {}: "
                      "one of them errs or lies, or the key was replaced",
                      voucher.by, box, voucher.key.hex, key->hex));
    }
    key = voucher.key;
    counted.insert(voucher.by_key.hex);
  }
  if (!key || counted.size() < at_least) {
    return fail(
        std::format("{} of those whose word is taken vouch for '{}', expected at least {}: get the voucher of "
                    "another, or compare the fingerprint yourself",
                    counted.size(), box, at_least));
  }
  return *key;
}

}  // namespace cloister::crypto
