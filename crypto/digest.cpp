#include "crypto/digest.hpp"

#include <sodium.h>

#include <format>

namespace cloister::crypto {

std::array<std::byte, 32> sha256(std::span<const std::byte> bytes) {
  std::array<std::byte, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(digest.data()),
                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  return digest;
}

std::string sha256_hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const auto byte : sha256(bytes)) text += std::format("{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

}  // namespace cloister::crypto
