// A sealed blob from a file: any bytes are an error, or a blob that is written as it was read.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "crypto/tpm_blob.hpp"
#include "crypto/tpm_signing.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  const auto bytes = std::as_bytes(std::span{data, size});
  const auto blob = crypto::decode_tpm_blob(bytes);
  const auto face = crypto::face_of_signing_key(bytes);
  require(!face || (blob && (face->point.size() == 65 || face->point.size() == 97)), "a key of another form");
  if (!blob) return 0;
  const auto again = crypto::encode_tpm_blob(blob->public_part, blob->private_part);
  require(again && std::ranges::equal(*again, bytes), "a blob has one form");
  return 0;
}
