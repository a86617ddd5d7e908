#pragma once
/// The peer's key by the word of other boxes: the vouchers that a configuration names, as the files are now.

#include "config/parse.hpp"
#include "crypto/credentials.hpp"
#include "crypto/error.hpp"
#include "crypto/voucher.hpp"

namespace cloister::box {

/// The key that they say the link's peer has, whatever the day; an error names the file that is wrong.
[[nodiscard]] std::expected<crypto::VouchedKey, crypto::NotVouched> vouched_key(const config::Link& link);
/// The same on this day, for a bootstrap: an error where there are too few that count.
[[nodiscard]] Result<crypto::TrustedKey> key_vouched_for(const config::Link& link, crypto::Day day);

/// What is wrong with any link's vouchers whatever the day, each with its place in the configuration.
[[nodiscard]] config::Diagnostics voucher_problems(const config::Whole& whole);
/// Which links' vouchers are too few on this day: no mistake, for dates close no box.
[[nodiscard]] std::vector<std::string> voucher_notes(const config::Configuration& configuration, crypto::Day day);

}  // namespace cloister::box
