#pragma once
/// What the links bootstrap by: sealed blobs on disk, opened by the TPM at start, and certificates.

#include <memory>
#include <vector>

#include "config/model.hpp"
#include "crypto/credentials.hpp"
#include "crypto/error.hpp"
#include "crypto/tpm.hpp"

namespace cloister::box {

/// A box's own key and its certificate; null where it is configured without.
struct OwnIdentity {
  std::shared_ptr<const crypto::Identity> key;
  std::shared_ptr<const crypto::CertificateChain> certificate;
};
[[nodiscard]] Result<OwnIdentity> open_identity(crypto::Tpm& tpm, const config::Box& box);

/// Of each link, in their order; and the TPM has passed its own test.
[[nodiscard]] Result<std::vector<crypto::Credentials>> open_credentials(const config::Configuration& configuration);

/// The operator's authority and its revocation lists, as the files are now.
[[nodiscard]] Result<std::shared_ptr<const crypto::Authority>> read_authority(const config::Bootstrap& bootstrap);

}  // namespace cloister::box
