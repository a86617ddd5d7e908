#include "appliance/cloisterctl/voucher.hpp"

#include <boost/json.hpp>
#include <chrono>
#include <format>
#include <iostream>

#include "config/kinds.hpp"
#include "crypto/tpm_file.hpp"
#include "crypto/voucher_files.hpp"

namespace cloister::cloisterctl {
namespace json = boost::json;
namespace {

Result<> is_name(const std::string& text) {
  if (config::a_name().parse(text)) return {};
  return fail(std::format("'{}' is not {}", text, config::a_name().expected));
}

Result<crypto::Fingerprint> fingerprint_in(const std::string& text) {
  if (text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos)
    return crypto::Fingerprint{text};
  return fail(std::format(
      "'{}' is no fingerprint: expected 64 hexadecimal digits, as 'cloisterctl fingerprint' shows them", text));
}

Result<crypto::Believed> believed_in(const std::string& text) {
  const auto sign = text.find('=');
  if (sign == std::string::npos) return fail(std::format("'{}' is not NAME=FINGERPRINT, as --by expects", text));
  const auto key = fingerprint_in(text.substr(sign + 1));
  if (!key) return std::unexpected{key.error()};
  return crypto::Believed{text.substr(0, sign), *key};
}

Result<> is_role(const std::string& text) {
  if (crypto::is_voucher_role(text)) return {};
  return fail(std::format("'{}' is not a role: expected 'alice' (the transmitter) or 'bob' (the receiver)", text));
}

/// An end there must be: who vouches for ever is never asked again whether it is still so.
Result<crypto::Day> last_day(const std::string& text) {
  constexpr std::chrono::days usual{365};
  constexpr std::chrono::days longest{3650};
  if (text.empty()) return crypto::today() + usual;
  const auto day = crypto::parse_day(text);
  if (!day || *day < crypto::today() || *day > crypto::today() + longest)
    return fail(std::format("'{}' is not the last day of a voucher: expected one as {}, from today to {}", text,
                            crypto::to_string(crypto::today() + usual), crypto::to_string(crypto::today() + longest)));
  return *day;
}

/// Of what both commands are told.
Result<> check_words(const VoucherOptions& options) {
  if (auto named = is_name(options.box); !named) return named;
  if (options.link != "*") {
    if (auto named = is_name(options.link); !named) return named;
  }
  return is_role(options.role);
}

/// The TPM is let go before its key signs, which opens it anew.
Result<crypto::Identity> own_identity(const VoucherOptions& options) {
  auto tpm = crypto::Tpm::open(options.tpm);
  if (!tpm) return std::unexpected{tpm.error()};
  return crypto::unseal_identity(*tpm, options.identity);
}

}  // namespace

Result<> voucher_make(const VoucherOptions& options) {
  if (auto right = check_words(options); !right) return right;
  if (auto named = is_name(options.as); !named) return named;
  const auto until = last_day(options.until);
  if (!until) return std::unexpected{until.error()};
  const auto key = fingerprint_in(options.fingerprint);
  if (!key) return std::unexpected{key.error()};
  const auto own = own_identity(options);
  if (!own) return std::unexpected{own.error()};
  if (options.as == options.box || own->fingerprint() == *key)
    return fail("a box vouches for others, not for itself: the fingerprint is of the other box's key");
  const auto text = crypto::make_voucher(*own, {.box = options.box,
                                                .role = options.role,
                                                .link = options.link,
                                                .key = *key,
                                                .by = options.as,
                                                .date = crypto::today(),
                                                .until = *until,
                                                .by_key = own->fingerprint()});
  if (!text) return std::unexpected{text.error()};
  std::cout << *text << std::flush;
  return {};
}

Result<> voucher_check(const VoucherOptions& options) {
  if (auto right = check_words(options); !right) return right;
  std::vector<crypto::Believed> believed;
  for (const auto& text : options.by) {
    auto one = believed_in(text);
    if (!one) return std::unexpected{one.error()};
    believed.push_back(std::move(*one));
  }
  const std::size_t at_least = options.at_least != 0 ? options.at_least : believed.size();
  const auto vouched =
      crypto::vouched_by_files({options.box, options.role, options.link}, options.files, believed, at_least);
  if (!vouched) return fail(vouched.error().why);
  const auto trusted = vouched->counting_on(crypto::today());
  if (!trusted) return std::unexpected{trusted.error()};
  if (options.json) {
    json::array by;
    for (const auto& voucher : trusted->vouched_by)
      by.push_back(json::object{
          {"box", voucher.by}, {"date", crypto::to_string(voucher.date)}, {"until", crypto::to_string(voucher.until)}});
    std::cout << json::serialize(
                     json::object{{"box", options.box}, {"fingerprint", trusted->key.hex}, {"vouched_by", by}})
              << '\n';
    return {};
  }
  for (const auto& voucher : trusted->vouched_by)
    std::cerr << std::format("vouched for by box '{}' on {}, until {}\n", voucher.by, crypto::to_string(voucher.date),
                             crypto::to_string(voucher.until));
  std::cout << trusted->key.hex << '\n';
  return {};
}

}  // namespace cloister::cloisterctl
