#pragma once
/// Where secret memory comes from, in the words of `status`.

#include "crypto/secret.hpp"

namespace cloister::box {

inline const char* name_of(crypto::ArenaKind kind) {
  switch (kind) {
    case crypto::ArenaKind::memfd_secret:
      return "memfd_secret";
    case crypto::ArenaKind::locked:
      return "locked";
    case crypto::ArenaKind::unlocked:
      return "unlocked";
  }
  return "";
}

}  // namespace cloister::box
