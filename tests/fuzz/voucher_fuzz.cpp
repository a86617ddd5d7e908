// A voucher from a file: any text is an error, or was signed by the key that it shows; what it says has the form of names.
#include <cstddef>
#include <cstdint>
#include <string>

#include "crypto/voucher.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto voucher = crypto::parse_voucher(text);
  if (!voucher) return 0;
  require(voucher->key.hex.size() == 64 && voucher->by_key.hex.size() == 64, "a fingerprint of another length");
  require(!voucher->box.empty() && voucher->box.find('\n') == std::string::npos, "a name that is none");
  require(!voucher->link.empty() && !voucher->role.empty() && voucher->date <= voucher->until, "terms that are none");
  const crypto::Sought sought{voucher->box, voucher->role, voucher->link};
  const std::vector<crypto::Believed> believed{{voucher->by, voucher->by_key}};
  const auto alone = crypto::VouchedKey::from(sought, {*voucher}, believed, 1);
  require(!crypto::VouchedKey::from(sought, {*voucher, *voucher}, believed, 2), "a voucher counts twice");
  if (!alone) return 0;
  require(alone->key() == voucher->key, "another key than the voucher's");
  const auto on = [&](std::chrono::days later, crypto::Day from) {
    return alone->counting_on(from + later).has_value();
  };
  using std::chrono::days;
  require(on(days{0}, voucher->date) && on(days{0}, voucher->until), "a day on which it does not count");
  require(!on(days{-1}, voucher->date) && !on(days{1}, voucher->until), "it counts before its time, or after");
  return 0;
}
