#pragma once
/// What a box shows its peer at a bootstrap, and what it expects of it.

#include <memory>
#include <optional>
#include <string>

#include "crypto/identity.hpp"
#include "crypto/secret.hpp"

namespace cloister::crypto {

using Psk = Secret<struct PskRole, 32>;

/// This box's key, and the peer's as an operator has compared it.
struct PinnedKeys {
  std::shared_ptr<const Identity> own;  // one for all links of a box
  Fingerprint peer;
};

/// One of them at least; where there are both, both must hold.
struct Credentials {
  std::optional<Psk> psk;
  std::optional<PinnedKeys> keys;

  [[nodiscard]] static Credentials by_psk(Psk psk) { return {.psk = std::move(psk), .keys = std::nullopt}; }
};

/// "PSK", "pinned keys (ML-DSA-65)", or both, for people.
[[nodiscard]] std::string to_string(const Credentials& credentials);

}  // namespace cloister::crypto
