#pragma once
/// Signing keys that a TPM makes and keeps, as their blobs show them: ECDSA on P-256 or P-384.

#include <tss2/tss2_tpm2_types.h>

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "crypto/public_key.hpp"

namespace cloister::crypto {

/// The public half.
struct TpmKeyFace {
  KeyKind kind;
  std::vector<std::byte> point;  // uncompressed (SEC 1, 2.3.3)
};
/// Nothing where it is no key of these kinds.
[[nodiscard]] std::optional<TpmKeyFace> face_of(const TPMT_PUBLIC& area);
/// Of a blob of `Tpm::make_signing_key`; nothing where it is another object's, or none. What a blob says is true of its
/// private half only once the TPM has loaded it (`Tpm::try_signing_key`).
[[nodiscard]] std::optional<TpmKeyFace> face_of_signing_key(std::span<const std::byte> blob);

}  // namespace cloister::crypto
