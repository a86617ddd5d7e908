#pragma once
/// The bootstrap PSK of a link: a sealed blob on disk, opened by the TPM at start.

#include <string>

#include "crypto/error.hpp"
#include "crypto/tls_handshake.hpp"
#include "crypto/tpm.hpp"

namespace cloister::box {

[[nodiscard]] Result<crypto::Psk> unseal_psk(crypto::Tpm& tpm, const std::string& path);

}  // namespace cloister::box
