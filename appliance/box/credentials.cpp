#include "appliance/box/credentials.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <format>
#include <fstream>
#include <vector>

namespace cloister::box {
namespace {

constexpr std::size_t blob_bytes_max = 4096;

}  // namespace

Result<crypto::Psk> unseal_psk(crypto::Tpm& tpm, const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file)
    return fail(
        errno == ENOENT
            ? std::format("there is no sealed PSK '{}': make it with 'cloisterctl psk generate' or 'psk import'", path)
            : std::format("sealed PSK '{}' cannot be read: {}: the service must run as the user who may", path,
                          std::strerror(errno)));
  std::vector<char> text(blob_bytes_max + 1);
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  const auto bytes = static_cast<std::size_t>(file.gcount());
  if (bytes > blob_bytes_max)
    return fail(std::format("'{}' is no sealed PSK: it is longer than {} bytes", path, blob_bytes_max));

  const auto secret = tpm.unseal(std::as_bytes(std::span{text}.first(bytes)));
  if (!secret) return fail(std::format("sealed PSK '{}': {}", path, secret.error().message));
  if (secret->size() != crypto::Psk::size)
    return fail(std::format("sealed PSK '{}' holds {} bytes, expected {}", path, secret->size(), crypto::Psk::size));
  crypto::Psk psk;
  std::ranges::copy(*secret, psk.fill().begin());
  return psk;
}

}  // namespace cloister::box
