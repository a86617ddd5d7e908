#include "crypto/voucher.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <format>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "crypto/byte_text.hpp"
#include "crypto/signing_provider.hpp"

namespace cloister::crypto {
namespace {

constexpr std::string_view first_line = "cloister voucher 2";
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
unsigned char* octets(std::vector<std::byte>& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= name_characters_max && std::ranges::all_of(text, [](char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || character == '-';
  });
}
bool is_fingerprint(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}
std::string signed_part(const Voucher& voucher) {
  return std::format("{}\nbox: {}\nrole: {}\nlink: {}\nkey: {}\nby: {}\ndate: {}\nuntil: {}\n", first_line, voucher.box,
                     voucher.role, voucher.link, voucher.key.hex, voucher.by, to_string(voucher.date),
                     to_string(voucher.until));
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

/// Why it does not say what is asked, or nothing.
std::optional<std::string> beside_the_point(const Voucher& voucher, const Sought& sought) {
  if (voucher.box != sought.box)
    return std::format("box '{}' vouches for '{}', not for '{}'", voucher.by, voucher.box, sought.box);
  if (voucher.role != "*" && voucher.role != sought.role)
    return std::format("box '{}' vouches for '{}' as '{}' only, and it is asked for as '{}'", voucher.by, voucher.box,
                       voucher.role, sought.role);
  if (voucher.link != "*" && voucher.link != sought.link)
    return std::format("box '{}' vouches for '{}' on link '{}' only, and it is asked for on '{}'", voucher.by,
                       voucher.box, voucher.link, sought.link);
  return std::nullopt;
}

/// Why it is nobody's word that is taken, or nothing.
std::optional<std::string> not_believed(const Voucher& voucher, const std::vector<Believed>& believed) {
  const auto known = std::ranges::find(believed, voucher.by, &Believed::box);
  if (known == believed.end())
    return std::format("box '{}' vouches for '{}', and is none of those whose word is taken", voucher.by, voucher.box);
  if (known->key != voucher.by_key)
    return std::format(
        "the voucher of box '{}' is signed by a key with the fingerprint {}, and {} is expected: compare it with that "
        "box's operator",
        voucher.by, voucher.by_key.hex, known->key.hex);
  if (voucher.by_key == voucher.key) return std::format("box '{}' vouches for its own key", voucher.by);
  return std::nullopt;
}

/// Why it does not go with those before it, or nothing.
std::optional<std::string> at_odds(const Voucher& voucher, std::span<const Voucher> before) {
  for (const auto& other : before) {
    if (other.by == voucher.by || other.by_key == voucher.by_key)
      return std::format("there are two vouchers of box '{}', which has one voice: take the older one out", voucher.by);
    if (other.key != voucher.key)
      return std::format(
          "the vouchers contradict each other: box '{}' says that '{}' has the key {}, and '{}' says {}: one of them "
          "errs or lies, or the key was replaced",
          voucher.by, voucher.box, voucher.key.hex, other.by, other.key.hex);
  }
  return std::nullopt;
}

}  // namespace

bool is_voucher_role(std::string_view text) { return text == "*" || text == "alice" || text == "bob"; }

std::optional<Day> parse_day(std::string_view text) {
  constexpr std::string_view form = "dddd-dd-dd";
  const bool formed = text.size() == form.size() && std::ranges::equal(text, form, [](char character, char kind) {
                        return kind == '-' ? character == '-' : character >= '0' && character <= '9';
                      });
  if (!formed) return std::nullopt;
  const auto number = [&](std::size_t from, std::size_t digits) {
    int value = 0;
    for (const char digit : text.substr(from, digits)) value = 10 * value + (digit - '0');
    return value;
  };
  const std::chrono::year_month_day day{std::chrono::year{number(0, 4)},
                                        std::chrono::month{static_cast<unsigned>(number(5, 2))},
                                        std::chrono::day{static_cast<unsigned>(number(8, 2))}};
  return day.ok() ? std::optional{Day{day}} : std::nullopt;
}

std::string to_string(Day day) { return std::format("{:%F}", day); }

Result<std::string> make_voucher(const Identity& identity, const Voucher& says) {
  const std::string text = signed_part(says);
  const KeyPointer key = identity.key();
  const DigestPointer context{EVP_MD_CTX_new()};
  require(key != nullptr && context != nullptr, "OpenSSL is out of memory");
  ERR_clear_error();
  std::size_t length = 0;
  std::vector<std::byte> signature;
  bool made =
      EVP_DigestSignInit_ex(context.get(), nullptr, digest_of(key.get()), nullptr, nullptr, key.get(), nullptr) == 1 &&
      EVP_DigestSign(context.get(), nullptr, &length, bytes_of(text), text.size()) == 1;
  if (made) {
    signature.resize(length);
    made = EVP_DigestSign(context.get(), octets(signature), &length, bytes_of(text), text.size()) == 1;
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
  const auto role = take(rest, "role: ");
  const auto link = take(rest, "link: ");
  const auto key = take(rest, "key: ");
  const auto by = take(rest, "by: ");
  const auto date = take(rest, "date: ");
  const auto until = take(rest, "until: ");
  const auto encoded = take(rest, "signature: ");
  if (!head || !head->empty() || !box || !role || !link || !key || !by || !date || !until || !encoded)
    return refused("a line is missing or changed");
  const auto first_day = parse_day(*date);
  const auto last_day = parse_day(*until);
  if (!is_name(*box) || !is_voucher_role(*role) || (!is_name(*link) && *link != "*") || !is_fingerprint(*key) ||
      !is_name(*by) || !first_day || !last_day || *last_day < *first_day)
    return refused("a name, role, fingerprint or date has another form");
  const auto signature = from_base64(*encoded);
  if (!signature || signature->empty()) return refused("its signature cannot be read");
  const auto signer = parse_public_key(rest);
  if (!signer) return refused("there is no public key, and nothing else, behind its signature");
  Voucher voucher{.box = std::string{*box},
                  .role = std::string{*role},
                  .link = std::string{*link},
                  .key = {std::string{*key}},
                  .by = std::string{*by},
                  .date = *first_day,
                  .until = *last_day,
                  .by_key = fingerprint_of(signer->get())};
  const std::string says = signed_part(voucher);
  const bool holds = verifies(signer->get(), digest_of(signer->get()), *signature, std::as_bytes(std::span{says}));
  if (!holds) return fail("was changed: its signature is not of what it says, or of another key");
  return voucher;
}

std::expected<VouchedKey, NotVouched> VouchedKey::from(const Sought& sought, std::vector<Voucher> vouchers,
                                                       const std::vector<Believed>& believed, std::size_t at_least) {
  for (std::size_t i = 0; i < vouchers.size(); ++i) {
    auto why = beside_the_point(vouchers[i], sought);
    if (!why) why = not_believed(vouchers[i], believed);
    if (!why) why = at_odds(vouchers[i], std::span{vouchers}.first(i));
    if (why) return std::unexpected{NotVouched{.why = std::move(*why), .voucher = i}};
  }
  if (vouchers.empty() || vouchers.size() < at_least)
    return std::unexpected{NotVouched{
        .why = std::format("{} of those whose word is taken vouch for '{}', expected at least {}: get the voucher of "
                           "another, or compare the fingerprint yourself",
                           vouchers.size(), sought.box, at_least),
        .voucher = std::nullopt}};
  return VouchedKey{sought.box, std::move(vouchers), at_least};
}

Result<TrustedKey> VouchedKey::counting_on(Day today) const {
  std::vector<Voucher> counting;
  std::string others;
  for (const auto& voucher : vouchers_) {
    if (voucher.date > today)
      others += std::format("; that of box '{}' begins on {}, and this box's clock says {}: is it right", voucher.by,
                            to_string(voucher.date), to_string(today));
    else if (voucher.until < today)
      others += std::format("; that of box '{}' ended on {}: have it made anew", voucher.by, to_string(voucher.until));
    else
      counting.push_back(voucher);
  }
  if (counting.empty() || counting.size() < at_least_)
    return fail(std::format("{} of the vouchers for '{}' count today, expected at least {}{}", counting.size(), box_,
                            std::max(at_least_, 1UZ), others));
  std::vector<Day> ends;
  for (const auto& voucher : counting) ends.push_back(voucher.until);
  std::ranges::sort(ends, std::greater{});
  return TrustedKey{.key = key(), .vouched_by = std::move(counting), .until = ends[std::max(at_least_, 1UZ) - 1]};
}

}  // namespace cloister::crypto
