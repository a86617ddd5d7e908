#pragma once
/// A voucher: a box says, signed with its key, that another box has a certain key. An operator who has compared the keys of
/// some boxes need not compare one that they vouch for.
///
///   cloister voucher 2
///   box: paris
///   role: *                     what paris's device is on the link it is said for, "alice" or "bob"; *: whichever
///   link: *                     the one link it is said for; *: any
///   key: FINGERPRINT            of paris, as the operator of rome has compared it
///   by: rome
///   date: 2026-11-26            when it was made: it does not count before
///   until: 2027-11-26           the last day on which it counts; both dates by UTC
///   signature: BASE64           by rome's key, over the eight lines above
///   -----BEGIN PUBLIC KEY----- …  rome's; which one it must be says the fingerprint that the reader has compared

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/error.hpp"
#include "crypto/identity.hpp"

namespace cloister::crypto {

inline constexpr std::size_t voucher_text_bytes_max = 16384;

using Day = std::chrono::sys_days;
/// "2026-11-26", a day that there is.
[[nodiscard]] std::optional<Day> parse_day(std::string_view text);
[[nodiscard]] std::string to_string(Day day);

/// "alice", "bob", or "*".
[[nodiscard]] bool is_voucher_role(std::string_view text);

struct Voucher {
  std::string box;
  std::string role = "*";
  std::string link = "*";
  Fingerprint key;
  std::string by;
  Day date;
  Day until;
  Fingerprint by_key;  // of who has signed it
};

/// The text of one: by this box's key, under the name `by`.
[[nodiscard]] Result<std::string> make_voucher(const Identity& identity, const Voucher& says);
/// Strict: as `make_voucher` writes it but for line ends, and signed by the key that it shows. Whether that key is to be
/// believed, and whether it counts today, are other questions.
[[nodiscard]] Result<Voucher> parse_voucher(std::string_view text);

/// A box whose key the operator has compared, and whose word he takes.
struct Believed {
  std::string box;
  Fingerprint key;
};

/// Whose key is asked for: a voucher for one role or link alone answers for no other, nor for "*".
struct Sought {
  std::string box;
  std::string role = "*";
  std::string link = "*";
};

/// A peer's key, and who vouches for it; nobody where this box's operator has compared it.
struct TrustedKey {
  Fingerprint key;
  std::vector<Voucher> vouched_by = {};
  std::optional<Day> until = {};  // the last day on which enough of them count
};

/// Why some vouchers are not taken.
struct NotVouched {
  std::string why;
  std::optional<std::size_t> voucher;  // the one that is wrong; none: there are too few
};

/// The one key that vouchers say a box has, and who says so.
class VouchedKey {
 public:
  /// Of `at_least` of those believed, each of whom has one voice. Refuses vouchers for another box, role or link, of
  /// somebody else, under another name, two of one box, and such as contradict each other. Of the dates it asks nothing.
  [[nodiscard]] static std::expected<VouchedKey, NotVouched> from(const Sought& sought, std::vector<Voucher> vouchers,
                                                                  const std::vector<Believed>& believed,
                                                                  std::size_t at_least);
  [[nodiscard]] const Fingerprint& key() const { return vouchers_.front().key; }
  /// By the vouchers that count on this day; an error where they are too few.
  [[nodiscard]] Result<TrustedKey> counting_on(Day today) const;

 private:
  VouchedKey(std::string box, std::vector<Voucher> vouchers, std::size_t at_least)
      : box_{std::move(box)}, vouchers_{std::move(vouchers)}, at_least_{at_least} {}
  std::string box_;
  std::vector<Voucher> vouchers_;  // one at least
  std::size_t at_least_;
};

}  // namespace cloister::crypto
