#include "crypto/credentials.hpp"

namespace cloister::crypto {

std::string to_string(const Credentials& credentials) {
  if (!credentials.by_keys()) return "PSK";
  const std::string keys = credentials.pinned ? "pinned keys (ML-DSA-65)" : "certificates (ML-DSA-65)";
  return credentials.psk ? keys + " and PSK" : keys;
}

}  // namespace cloister::crypto
