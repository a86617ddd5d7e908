#include "crypto/digest.hpp"

#include <sodium.h>

#include "crypto/byte_text.hpp"

namespace cloister::crypto {

std::array<std::byte, 32> sha256(std::span<const std::byte> bytes) {
  std::array<std::byte, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(digest.data()),
                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  return digest;
}

std::string sha256_hex(std::span<const std::byte> bytes) { return to_hex(sha256(bytes)); }

}  // namespace cloister::crypto
