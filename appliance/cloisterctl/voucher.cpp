#include "appliance/cloisterctl/voucher.hpp"

#include <boost/json.hpp>
#include <chrono>
#include <format>
#include <iostream>

#include "config/kinds.hpp"
#include "crypto/tpm_file.hpp"
#include "crypto/voucher.hpp"

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

Result<crypto::Voucher> voucher_in(const std::string& path) {
  const auto text = crypto::read_text_file(path, crypto::voucher_text_bytes_max);
  if (!text) return std::unexpected{text.error()};
  auto voucher = crypto::parse_voucher(*text);
  if (!voucher) return fail(std::format("'{}' {}", path, voucher.error().message));
  return voucher;
}

std::string today() {
  return std::format("{:%F}", std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()));
}

/// The TPM is let go before its key signs, which opens it anew.
Result<crypto::Identity> own_identity(const VoucherOptions& options) {
  auto tpm = crypto::Tpm::open(options.tpm);
  if (!tpm) return std::unexpected{tpm.error()};
  return crypto::unseal_identity(*tpm, options.identity);
}

}  // namespace

Result<> voucher_make(const VoucherOptions& options) {
  for (const auto& name : {options.as, options.box}) {
    if (auto named = is_name(name); !named) return named;
  }
  const auto key = fingerprint_in(options.fingerprint);
  if (!key) return std::unexpected{key.error()};
  const auto own = own_identity(options);
  if (!own) return std::unexpected{own.error()};
  if (options.as == options.box || own->fingerprint() == *key)
    return fail("a box vouches for others, not for itself: the fingerprint is of the other box's key");
  const auto text = crypto::make_voucher(
      *own, {.box = options.box, .key = *key, .by = options.as, .date = today(), .by_key = own->fingerprint()});
  if (!text) return std::unexpected{text.error()};
  std::cout << *text << std::flush;
  return {};
}

Result<> voucher_check(const VoucherOptions& options) {
  std::vector<crypto::Believed> believed;
  for (const auto& text : options.by) {
    auto one = believed_in(text);
    if (!one) return std::unexpected{one.error()};
    believed.push_back(std::move(*one));
  }
  std::vector<crypto::Voucher> vouchers;
  for (const auto& path : options.files) {
    auto voucher = voucher_in(path);
    if (!voucher) return std::unexpected{voucher.error()};
    vouchers.push_back(std::move(*voucher));
  }
  const std::size_t at_least = options.at_least != 0 ? options.at_least : believed.size();
  const auto key = crypto::vouched_key(options.box, vouchers, believed, at_least);
  if (!key) return std::unexpected{key.error()};
  if (options.json) {
    json::array by;
    for (const auto& voucher : vouchers) by.push_back(json::object{{"box", voucher.by}, {"date", voucher.date}});
    std::cout << json::serialize(json::object{{"box", options.box}, {"fingerprint", key->hex}, {"vouched_by", by}})
              << '\n';
    return {};
  }
  for (const auto& voucher : vouchers)
    std::cerr << std::format("vouched for by box '{}' on {}\n", voucher.by, voucher.date);
  std::cout << key->hex << '\n';
  return {};
}

}  // namespace cloister::cloisterctl
