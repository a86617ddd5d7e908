#pragma once
/// Vouchers as files, which is how operators pass them on.

#include <string>
#include <vector>

#include "crypto/voucher.hpp"

namespace cloister::crypto {

/// Today, by this machine's clock.
[[nodiscard]] Day today();

/// The key that they say a box has, whatever the day, as VouchedKey::from has it; an error's text names the file that is
/// wrong, and its number is the file's.
[[nodiscard]] std::expected<VouchedKey, NotVouched> vouched_by_files(const Sought& sought,
                                                                     const std::vector<std::string>& paths,
                                                                     const std::vector<Believed>& believed,
                                                                     std::size_t at_least);

}  // namespace cloister::crypto
