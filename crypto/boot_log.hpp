#pragma once
/// The firmware's log of what it measured into the TPM (TCG PC Client Platform Firmware Profile 1.06, section 10), as Linux
/// gives it in binary_bios_measurements. It is nobody's word: what it says counts only because PCR 4 and 7, computed from it,
/// are the values that the TPM has quoted.
///
///   log ── events of PCR 4, 7 ──▶ digest over digest ──▶ PCR 4, 7   = quoted?
///              │
///              ├─▶ 4: the programs that the firmware was asked to start
///              └─▶ 7: Secure Boot on or off; which certificates vouched for what was started

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "crypto/error.hpp"
#include "crypto/pcr_policy.hpp"

namespace cloister::crypto {

inline constexpr unsigned programs_pcr = 4;
inline constexpr unsigned secure_boot_pcr = 7;
inline constexpr const char* boot_log_path = "/sys/kernel/security/tpm0/binary_bios_measurements";
inline constexpr std::size_t boot_log_bytes_max = std::size_t{1} << 19U;

struct BootLog {
  PcrValues pcrs;                   // 4 and 7, as the log makes them
  std::vector<PcrDigest> programs;  // in PCR 4, as Authenticode has them
  std::optional<bool> secure_boot;  // the variable 'SecureBoot', each time that it was measured; nothing: it never was
  std::vector<PcrDigest> authorities;  // SHA-256 of each certificate, in DER, that vouched for something started
  bool operator==(const BootLog&) const = default;
};

/// Strict: an event in PCR 4 or 7 that this cannot judge (a debugger, a foreign loader's own), whose content does not have its
/// digest, or that comes where it may not, is an error. Its text has nothing of the log.
[[nodiscard]] Result<BootLog> read_boot_log(std::span<const std::byte> log);

}  // namespace cloister::crypto
