#include "crypto/tpm_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <format>
#include <fstream>
#include <vector>

namespace cloister::crypto {
namespace {

constexpr std::size_t blob_bytes_max = 4096;

}  // namespace

Result<> put_file(const std::string& path, std::span<const std::byte> bytes, unsigned mode) {
  const std::string partial = path + ".new";
  const int file = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (file < 0) return fail(std::format("'{}' cannot be written: {}", partial, std::strerror(errno)));
  const bool written =
      ::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) && ::fsync(file) == 0;
  ::close(file);
  if (!written || ::rename(partial.c_str(), path.c_str()) != 0) {
    ::unlink(partial.c_str());
    return fail(std::format("'{}' cannot be written: {}", path, std::strerror(errno)));
  }
  return {};
}

Result<> seal_to_file(Tpm& tpm, const std::string& path, std::span<const std::byte> secret, bool replace) {
  if (!replace && ::access(path.c_str(), F_OK) == 0)
    return fail(std::format(
        "'{}' exists already: a new secret would replace the one in use; say --force if that is meant", path));
  const auto blob = tpm.seal(secret);
  if (!blob) return std::unexpected{blob.error()};
  return put_file(path, *blob, 0600);
}

Result<SecretVector<std::byte>> unseal_file(Tpm& tpm, const std::string& path, std::string_view what,
                                            std::string_view remedy) {
  std::ifstream file{path, std::ios::binary};
  if (!file) {
    return fail(errno == ENOENT ? std::format("there is no {} '{}': {}", what, path, remedy)
                                : std::format("{} '{}' cannot be read: {}: the service must run as the user who may",
                                              what, path, std::strerror(errno)));
  }
  std::vector<char> text(blob_bytes_max + 1);
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  const auto bytes = static_cast<std::size_t>(file.gcount());
  if (bytes > blob_bytes_max)
    return fail(std::format("{} '{}': it is longer than {} bytes: {}", what, path, blob_bytes_max, remedy));
  auto secret = tpm.unseal(std::as_bytes(std::span{text}.first(bytes)));
  if (!secret) return fail(std::format("{} '{}': {}", what, path, secret.error().message));
  return secret;
}

Result<Identity> unseal_identity(Tpm& tpm, const std::string& path) {
  const auto sealed = unseal_file(tpm, path, "sealed identity", "make it with 'cloisterctl enroll'");
  if (!sealed) return std::unexpected{sealed.error()};
  auto identity = Identity::from_sealed(*sealed);
  if (!identity) return fail(std::format("sealed identity '{}': {}", path, identity.error().message));
  return identity;
}

Result<std::string> read_text_file(const std::string& path, std::size_t bytes_max) {
  std::ifstream file{path, std::ios::binary};
  if (!file) return fail(std::format("'{}' cannot be read: {}", path, std::strerror(errno)));
  std::string text(bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

}  // namespace cloister::crypto
