#pragma once
/// A voucher: a box says, signed with its key, that another box has a certain key. An operator who has compared the keys of
/// some boxes need not compare one that they vouch for.
///
///   cloister voucher 1
///   box: paris
///   key: FINGERPRINT            of paris, as the operator of rome has compared it
///   by: rome
///   date: 2026-11-26            when it was made; a voucher does not end by itself
///   signature: BASE64           by rome's key, over the five lines above
///   -----BEGIN PUBLIC KEY----- …  rome's; which one it must be says the fingerprint that the reader has compared

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/error.hpp"
#include "crypto/identity.hpp"

namespace cloister::crypto {

inline constexpr std::size_t voucher_text_bytes_max = 16384;

struct Voucher {
  std::string box;
  Fingerprint key;
  std::string by;
  std::string date;
  Fingerprint by_key;  // of who has signed it
};

/// The text of one: by this box's key, under the name `by`.
[[nodiscard]] Result<std::string> make_voucher(const Identity& identity, const Voucher& says);
/// Strict: as `make_voucher` writes it but for line ends, and signed by the key that it shows. Whether that key is to be
/// believed is another question.
[[nodiscard]] Result<Voucher> parse_voucher(std::string_view text);

/// A box whose key the operator has compared, and whose word he takes.
struct Believed {
  std::string box;
  Fingerprint key;
};
/// Who vouches for the one key that `vouchers` say `box` has: `at_least` of those believed, each key counted once. Refuses
/// vouchers for another box, of somebody else, under another name, and such as contradict each other.
[[nodiscard]] Result<Fingerprint> vouched_key(const std::string& box, const std::vector<Voucher>& vouchers,
                                              const std::vector<Believed>& believed, std::size_t at_least);

}  // namespace cloister::crypto
