#pragma once
/// What is published with an appliance's image (`image/measurements` writes it, cloister.measurements.json): what a machine
/// that runs it has in its PCRs.

#include <string>
#include <string_view>
#include <vector>

#include "crypto/error.hpp"
#include "crypto/pcr_policy.hpp"

namespace cloister::verify {

inline constexpr std::size_t measurements_bytes_max = 65536;

struct Measurements {
  struct Phase {
    std::string name;  // how far the start has come: "enter-initrd", …, "enter-initrd:leave-initrd:sysinit:ready"
    crypto::PcrDigest pcr_11{};
  };
  std::string version;                      // of the image
  std::string root_hash;                    // of its root, which the kernel image names: hexadecimal
  crypto::PcrDigest certificate{};          // that Secure Boot knows it by: SHA-256 of its DER
  std::vector<crypto::PcrDigest> programs;  // as Authenticode has them; the boot loader is the first
  std::vector<Phase> phases;                // in their order
};

/// {"version", "root_hash", "secure_boot_certificate", "programs": [{"name", "sha256"}], "pcr_11": [{"phase", "sha256"}]};
/// other members are left out.
[[nodiscard]] Result<Measurements> parse_measurements(std::string_view text);

}  // namespace cloister::verify
