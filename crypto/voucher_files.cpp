#include "crypto/voucher_files.hpp"

#include <chrono>
#include <format>
#include <utility>

#include "crypto/tpm_file.hpp"

namespace cloister::crypto {
namespace {

std::expected<std::vector<Voucher>, NotVouched> read_vouchers(const std::vector<std::string>& paths) {
  std::vector<Voucher> vouchers;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const auto text = read_text_file(paths[i], voucher_text_bytes_max);
    if (!text) return std::unexpected{NotVouched{text.error().message, i}};
    auto voucher = parse_voucher(*text);
    if (!voucher) return std::unexpected{NotVouched{std::format("'{}' {}", paths[i], voucher.error().message), i}};
    vouchers.push_back(std::move(*voucher));
  }
  return vouchers;
}

}  // namespace

Day today() { return std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()); }

std::expected<VouchedKey, NotVouched> vouched_by_files(const Sought& sought, const std::vector<std::string>& paths,
                                                       const std::vector<Believed>& believed, std::size_t at_least) {
  auto vouchers = read_vouchers(paths);
  if (!vouchers) return std::unexpected{std::move(vouchers.error())};
  auto key = VouchedKey::from(sought, std::move(*vouchers), believed, at_least);
  if (!key && key.error().voucher)
    key.error().why = std::format("'{}': {}", paths[*key.error().voucher], key.error().why);
  return key;
}

}  // namespace cloister::crypto
