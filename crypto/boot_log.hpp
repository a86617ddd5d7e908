#pragma once
/// The firmware's log of what it measured into the TPM (TCG PC Client Platform Firmware Profile 1.06, section 10), as Linux
/// gives it in binary_bios_measurements. It is nobody's word: what it says counts only because PCR 7, computed from it, is
/// the value that the TPM has quoted.
///
///   log ── events of PCR 7 ──▶ digest over digest ──▶ PCR 7   = quoted?
///              │
///              └─▶ Secure Boot on or off; which certificates vouched for what was started

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crypto/error.hpp"
#include "crypto/pcr_policy.hpp"

namespace cloister::crypto {

inline constexpr unsigned secure_boot_pcr = 7;
inline constexpr const char* boot_log_path = "/sys/kernel/security/tpm0/binary_bios_measurements";
inline constexpr std::size_t boot_log_bytes_max = std::size_t{1} << 19U;

/// What PCR 7 stands for.
struct SecureBoot {
  PcrDigest pcr{};         // the value that the log makes
  std::optional<bool> on;  // the variable 'SecureBoot', each time that it was measured; nothing: it never was
  std::vector<std::string>
      authorities;  // each certificate that vouched for something started: SHA-256 of its DER, hexadecimal
};

/// Strict: an event in PCR 7 whose content does not have its digest, or that this cannot judge (a debugger, a foreign
/// loader's own), is an error.
[[nodiscard]] Result<SecureBoot> read_secure_boot(std::span<const std::byte> log);

}  // namespace cloister::crypto
