#pragma once
/// What the links bootstrap by: sealed blobs on disk, opened by the TPM at start.

#include <memory>

#include "config/model.hpp"
#include "crypto/credentials.hpp"
#include "crypto/error.hpp"
#include "crypto/tpm.hpp"

namespace cloister::box {

/// Null for a box that is configured without one.
[[nodiscard]] Result<std::shared_ptr<const crypto::Identity>> unseal_identity(crypto::Tpm& tpm, const config::Box& box);

[[nodiscard]] Result<crypto::Credentials> unseal_credentials(crypto::Tpm& tpm,
                                                             const std::shared_ptr<const crypto::Identity>& identity,
                                                             const config::Bootstrap& bootstrap);

}  // namespace cloister::box
