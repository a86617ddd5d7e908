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
  const auto alone = crypto::vouched_key(voucher->box, {*voucher}, {{voucher->by, voucher->by_key}}, 1);
  require(!alone || *alone == voucher->key, "another key than the voucher's");
  require(!crypto::vouched_key(voucher->box, {*voucher, *voucher}, {{voucher->by, voucher->by_key}}, 2),
          "a voucher counts twice");
  return 0;
}
