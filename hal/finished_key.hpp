#pragma once
/// A key that somebody else has made, under the name by which the other end's source has it too.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "crypto/secret.hpp"

namespace cloister::hal {

/// A UUID has 36; some sources make up others.
inline constexpr std::size_t key_id_characters_max = 64;

struct FinishedKey {
  std::string id;
  crypto::SecretVector<std::byte> bits;  // whole bytes
};

/// Printable, without blanks, and nothing that JSON would have to escape.
[[nodiscard]] inline bool is_key_id(std::string_view id) {
  return !id.empty() && id.size() <= key_id_characters_max &&
         std::ranges::all_of(id, [](char c) { return c > ' ' && c < '\x7f' && c != '"' && c != '\\'; });
}

}  // namespace cloister::hal
