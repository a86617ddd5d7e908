#pragma once
/// What the links bootstrap by: sealed blobs on disk, opened by the TPM at start, and certificates.

#include <map>
#include <memory>
#include <set>
#include <string>

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

/// What the TPM has opened.
struct OpenedSecrets {
  std::map<std::string, crypto::Credentials> links;  // by their names
  std::shared_ptr<const crypto::Identity> identity;  // null where the box is configured without
};
/// Of the links that are named; and the TPM has passed its own test.
[[nodiscard]] Result<OpenedSecrets> open_credentials(const config::Configuration& configuration,
                                                     const std::set<std::string>& links);

/// The operator's authority and its revocation lists, as the files are now.
[[nodiscard]] Result<std::shared_ptr<const crypto::Authority>> read_authority(const config::Bootstrap& bootstrap);

}  // namespace cloister::box
