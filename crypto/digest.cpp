#include "crypto/digest.hpp"

#include <sodium.h>

#include <array>
#include <format>

namespace cloister::crypto {

std::string sha256_hex(std::span<const std::byte> bytes) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  std::string text;
  for (const auto byte : digest) text += std::format("{:02x}", byte);
  return text;
}

}  // namespace cloister::crypto
