#pragma once
/// `cloisterctl pcr-policy`: which states of the machine may open what its TPM has sealed: looked at, signed by the
/// operator's key (which stays elsewhere), and put where the box reads it. They work without the service.

#include <string>
#include <vector>

#include "crypto/error.hpp"
#include "crypto/tpm.hpp"

namespace cloister::cloisterctl {

struct PcrPolicyOptions {
  std::string configuration = "/etc/cloister/cloister.yaml";  // its 'tpm' names the TPM, the PCRs and the files
  std::string key;                                            // path of the private policy key
  std::vector<std::string> values;                            // of PCRs, as "7=HEX"; none: those that the TPM has now
  std::string file;                                           // of signed policies
  bool json = false;
};

/// The 'tpm' of a configuration.
[[nodiscard]] Result<crypto::TpmSettings> tpm_of(const std::string& configuration);

/// What the PCRs are now, and whether that is signed.
[[nodiscard]] Result<> pcr_policy_show(const PcrPolicyOptions& options);
/// Adds a signature to `file`, which is made where there is none.
[[nodiscard]] Result<> pcr_policy_sign(const PcrPolicyOptions& options);
/// Checks `file` and puts it where the configuration says.
[[nodiscard]] Result<> pcr_policy_install(const PcrPolicyOptions& options);

}  // namespace cloister::cloisterctl
