#pragma once
/// `cloisterctl enroll` and `fingerprint`: this box's key, sealed in its TPM, and what the peer's operator is told of it.
/// They talk to the TPM themselves; the private key cannot be shown.

#include <string>

#include "crypto/error.hpp"
#include "crypto/tpm.hpp"

namespace cloister::cloisterctl {

struct IdentityOptions {
  crypto::TpmSettings tpm;
  std::string identity;    // path of the sealed key
  std::string public_key;  // path of a public key
  std::string key;         // its kind, as --key names it; empty: ML-DSA-65, or that of the existing key
  std::string csr_box;     // name for a certificate request; empty: none is wanted
  bool json = false;       // for programs
  bool force = false;      // replace an existing key
};

/// Makes a key, seals it, writes its public half beside it for the courier, and shows its fingerprint. With `csr_box` a
/// request for a certificate too; of the existing key, where there is one and it is not to be replaced.
[[nodiscard]] Result<> enroll(const IdentityOptions& options);
/// Of this box's key; of that in the file `public_key` when there is one.
[[nodiscard]] Result<> show_fingerprint(const IdentityOptions& options);

}  // namespace cloister::cloisterctl
