#pragma once
/// A key for OpenSSL whose private half is elsewhere: in a TPM. OpenSSL has the public half, and asks for signatures.
///
/// It is an OpenSSL provider inside this program, in a library context of its own, so that it serves these keys alone and
/// nothing else ever finds it. It exports the public half only; whoever wants to sign comes here.

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crypto/error.hpp"
#include "crypto/public_key.hpp"

namespace cloister::crypto {

/// Signs a digest; gives an ECDSA-Sig-Value in DER (RFC 3279, 2.2.3).
using Signer = std::function<Result<std::vector<std::byte>>(std::span<const std::byte> digest)>;

/// An ECDSA key (P-256 with SHA-256, P-384 with SHA-384) by its public point, uncompressed (SEC 1, 2.3.3). Null where the
/// point is none of the curve.
[[nodiscard]] KeyPointer key_elsewhere(KeyKind kind, std::span<const std::byte> point, Signer signer);

/// What a signer has said, where this note of OpenSSL's error queue (ERR_get_error_all) is of one.
[[nodiscard]] std::optional<std::string> signer_failure(unsigned long code, const char* data);
/// What a signer has said last; takes all notes of this thread from OpenSSL.
[[nodiscard]] std::optional<std::string> last_signer_failure();

}  // namespace cloister::crypto
