#include "crypto/credentials.hpp"

#include <format>
#include <string_view>

namespace cloister::crypto {

bool Credentials::signs_elsewhere() const {
  return (pinned && pinned->own->kind() != KeyKind::ml_dsa_65) ||
         (certified && certified->own->kind() != KeyKind::ml_dsa_65);
}

namespace {

std::string words_of(const PinnedKeys& pinned) {
  std::string words = std::format("pinned keys (own key {}", to_string(pinned.own->kind()));
  if (pinned.peer && !pinned.peer->vouched_by.empty()) {
    std::string_view before = "; the peer's vouched for by";
    for (const auto& voucher : pinned.peer->vouched_by) {
      words += std::format("{} '{}' until {}", before, voucher.by, to_string(voucher.until));
      before = ",";
    }
  }
  return words + ")";
}

}  // namespace

std::string to_string(const Credentials& credentials) {
  if (!credentials.by_keys()) return "PSK";
  const std::string keys =
      credentials.pinned ? words_of(*credentials.pinned)
                         : std::format("certificates (own key {})", to_string(credentials.certified->own->kind()));
  return credentials.psk ? keys + " and PSK" : keys;
}

}  // namespace cloister::crypto
