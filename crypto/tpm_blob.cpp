#include "crypto/tpm_blob.hpp"

#include <tss2/tss2_mu.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace cloister::crypto {
namespace {

constexpr std::array magic{std::byte{'C'}, std::byte{'L'}, std::byte{'S'}, std::byte{'B'}, std::byte{1}};
constexpr std::size_t blob_bytes_max = sizeof(TPM2B_PUBLIC) + sizeof(TPM2B_PRIVATE) + magic.size();

}  // namespace

Result<std::vector<std::byte>> encode_tpm_blob(const TPM2B_PUBLIC& public_part, const TPM2B_PRIVATE& private_part) {
  std::vector<std::byte> blob(blob_bytes_max);
  std::ranges::copy(magic, blob.begin());
  std::size_t offset = magic.size();
  auto* bytes = reinterpret_cast<std::uint8_t*>(blob.data());
  const bool done = Tss2_MU_TPM2B_PUBLIC_Marshal(&public_part, bytes, blob.size(), &offset) == TSS2_RC_SUCCESS &&
                    Tss2_MU_TPM2B_PRIVATE_Marshal(&private_part, bytes, blob.size(), &offset) == TSS2_RC_SUCCESS;
  if (!done) return fail("the TPM's sealed object cannot be written as bytes");
  blob.resize(offset);
  return blob;
}

Result<TpmBlob> decode_tpm_blob(std::span<const std::byte> blob) {
  const auto refused = [] {
    return fail(
        "this is no sealed secret of Cloister, or it is damaged: make it anew with 'cloisterctl psk' or 'enroll'");
  };
  if (blob.size() > blob_bytes_max || blob.size() < magic.size() ||
      !std::ranges::equal(blob.first(magic.size()), magic))
    return refused();
  TpmBlob parts;
  std::size_t offset = magic.size();
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(blob.data());
  if (Tss2_MU_TPM2B_PUBLIC_Unmarshal(bytes, blob.size(), &offset, &parts.public_part) != TSS2_RC_SUCCESS)
    return refused();
  if (Tss2_MU_TPM2B_PRIVATE_Unmarshal(bytes, blob.size(), &offset, &parts.private_part) != TSS2_RC_SUCCESS)
    return refused();
  if (offset != blob.size()) return refused();
  // One form only: what the library reads leniently (an empty public part) is not what it writes.
  const auto again = encode_tpm_blob(parts.public_part, parts.private_part);
  if (!again || !std::ranges::equal(*again, blob)) return refused();
  return parts;
}

}  // namespace cloister::crypto
