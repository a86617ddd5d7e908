#pragma once
/// Sealed secrets as files: whole or not there, for the owner only.

#include <span>
#include <string>

#include "crypto/error.hpp"
#include "crypto/tpm.hpp"

namespace cloister::crypto {

/// Seals `secret` into the file `path`; an existing one is replaced only when `replace` says so.
[[nodiscard]] Result<> seal_to_file(Tpm& tpm, const std::string& path, std::span<const std::byte> secret, bool replace);
/// `what` begins the message of a failure ("sealed PSK"); `remedy` ends it where there is no file.
[[nodiscard]] Result<SecretVector<std::byte>> unseal_file(Tpm& tpm, const std::string& path, std::string_view what,
                                                          std::string_view remedy);

}  // namespace cloister::crypto
