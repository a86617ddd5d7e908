#pragma once
/// A sealed secret as a file: "CLSB", version 1, then TPM2B_PUBLIC and TPM2B_PRIVATE as the TPM marshals them (TPM 2.0
/// part 2).

#include <tss2/tss2_tpm2_types.h>

#include <cstddef>
#include <span>
#include <vector>

#include "crypto/error.hpp"

namespace cloister::crypto {

struct TpmBlob {
  TPM2B_PUBLIC public_part{};
  TPM2B_PRIVATE private_part{};
};

[[nodiscard]] Result<std::vector<std::byte>> encode_tpm_blob(const TPM2B_PUBLIC& public_part,
                                                             const TPM2B_PRIVATE& private_part);
/// Strict: nothing before, between or behind.
[[nodiscard]] Result<TpmBlob> decode_tpm_blob(std::span<const std::byte> blob);

}  // namespace cloister::crypto
