#pragma once
/// What of an appliance's factory reset is not zeroize: the image's own service makes /var anew at a start that follows
/// at once (docs/image.md).

#include <string>

#include "crypto/error.hpp"

namespace cloister::cloisterctl {

/// Before anything is destroyed. An error: this is no appliance, or the user is not root.
[[nodiscard]] Result<> may_reset();
/// An error: the file does not hold the fingerprint of the key whose public half is in `public_key`.
[[nodiscard]] Result<> meant_for(const std::string& file, const std::string& public_key);
/// /var goes, and the machine starts anew; returns before that.
[[nodiscard]] Result<> reset();

}  // namespace cloister::cloisterctl
