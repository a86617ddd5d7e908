#include "crypto/credentials.hpp"

#include <format>

namespace cloister::crypto {

bool Credentials::signs_elsewhere() const {
  return (pinned && pinned->own->kind() != KeyKind::ml_dsa_65) ||
         (certified && certified->own->kind() != KeyKind::ml_dsa_65);
}

std::string to_string(const Credentials& credentials) {
  if (!credentials.by_keys()) return "PSK";
  const auto& own = credentials.pinned ? credentials.pinned->own : credentials.certified->own;
  const std::string keys =
      std::format("{} (own key {})", credentials.pinned ? "pinned keys" : "certificates", to_string(own->kind()));
  return credentials.psk ? keys + " and PSK" : keys;
}

}  // namespace cloister::crypto
