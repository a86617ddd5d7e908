#include "crypto/credentials.hpp"

namespace cloister::crypto {

std::string to_string(const Credentials& credentials) {
  if (!credentials.keys) return "PSK";
  return credentials.psk ? "pinned keys (ML-DSA-65) and PSK" : "pinned keys (ML-DSA-65)";
}

}  // namespace cloister::crypto
