#include "appliance/box/vouched.hpp"

#include <algorithm>
#include <format>

#include "crypto/voucher_files.hpp"

namespace cloister::box {
namespace {

using config::DeviceRole;

/// The peer's is the other one than this box's.
crypto::Sought sought_of(const config::Link& link) {
  return {.box = link.peer, .role = link.device.role == DeviceRole::alice ? "bob" : "alice", .link = link.name};
}

const config::Setting* setting_at(const config::Settings& settings, const std::string& path) {
  const auto found = std::ranges::find(settings, path, &config::Setting::path);
  return found == settings.end() ? nullptr : &*found;
}

}  // namespace

std::expected<crypto::VouchedKey, crypto::NotVouched> vouched_key(const config::Link& link) {
  const auto& vouched = link.bootstrap.vouched;
  std::vector<crypto::Believed> believed;
  for (const auto& [name, key] : vouched.by) believed.push_back({name, {key}});
  return crypto::vouched_by_files(sought_of(link), vouched.vouchers, believed, vouched.needed);
}

Result<crypto::TrustedKey> key_vouched_for(const config::Link& link, crypto::Day day) {
  const auto key = vouched_key(link);
  if (!key) return fail(key.error().why);
  return key->counting_on(day);
}

config::Diagnostics voucher_problems(const config::Whole& whole) {
  config::Diagnostics problems;
  for (std::size_t i = 0; i < whole.configuration.links.size(); ++i) {
    const auto& link = whole.configuration.links[i];
    if (link.bootstrap.vouched.by.empty()) continue;
    const auto* const files = setting_at(whole.settings, std::format("links[{}].bootstrap.vouched.vouchers", i));
    require(files != nullptr, "vouchers that no setting names");
    const auto key = vouched_key(link);
    if (!key) problems.push_back(config::diagnostic_at(*files, key.error().voucher.value_or(0), key.error().why));
  }
  return problems;
}

std::vector<std::string> voucher_notes(const config::Configuration& configuration, crypto::Day day) {
  std::vector<std::string> notes;
  for (const auto& link : configuration.links) {
    if (link.bootstrap.vouched.by.empty()) continue;
    const auto key = vouched_key(link);
    if (!key) continue;  // no matter of dates
    if (const auto counting = key->counting_on(day); !counting)
      notes.push_back(std::format("link '{}' cannot be bootstrapped: {}", link.name, counting.error().message));
  }
  return notes;
}

}  // namespace cloister::box
