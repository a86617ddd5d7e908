// A public key from a courier's file: any text is an error, or a key that is written as it was read but for line ends.
#include <cstddef>
#include <cstdint>
#include <string>

#include "crypto/public_key.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto key = crypto::parse_public_key(text);
  if (!key) return 0;
  const auto pem = crypto::to_pem(key->get());
  require(pem.size() <= size + 1, "nothing of a key is made up");
  const auto again = crypto::parse_public_key(pem);
  require(again && crypto::fingerprint_of(again->get()) == crypto::fingerprint_of(key->get()), "a key has one form");
  return 0;
}
