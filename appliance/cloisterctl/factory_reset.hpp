#pragma once
/// What of an appliance's factory reset is not zeroize (docs/image.md). In this order, so that a power cut anywhere leaves
/// a box as it was, or one that has its factory state at the next start:
///
///   ask_for_new_var ──▶ zeroize ──▶ reset: the keys of /var go, the machine starts anew ──▶ the image makes /var anew

#include <string>

#include "crypto/error.hpp"

namespace cloister::cloisterctl {

/// systemd-repart's, in the firmware.
inline constexpr const char* factory_reset_variable =
    "/sys/firmware/efi/efivars/FactoryReset-8cf2644b-4b0b-428f-9387-6d876050dc67";

/// Before anything is destroyed. An error: this is no appliance, or the user is not root.
[[nodiscard]] Result<> may_reset();
/// An error: the file does not hold the fingerprint of the key whose public half is in `public_key`.
[[nodiscard]] Result<> meant_for(const std::string& file, const std::string& public_key);
/// Before anything is destroyed: a variable of the firmware (efivarfs) is written, and read back. An error: it is not there.
[[nodiscard]] Result<> ask_for_new_var(const std::string& variable = factory_reset_variable);
/// /var loses its keys, and the machine starts anew; returns before that.
[[nodiscard]] Result<> reset();

}  // namespace cloister::cloisterctl
