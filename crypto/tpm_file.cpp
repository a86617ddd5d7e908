#include "crypto/tpm_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <format>
#include <fstream>
#include <utility>
#include <vector>

#include "crypto/tpm_signing.hpp"

namespace cloister::crypto {
namespace {

constexpr std::size_t blob_bytes_max = 4096;

Result<> may_replace(const std::string& path, bool replace) {
  if (replace || ::access(path.c_str(), F_OK) != 0) return {};
  return fail(std::format(
      "'{}' exists already: a new secret would replace the one in use; say --force if that is meant", path));
}

Result<std::vector<std::byte>> read_blob(const std::string& path, std::string_view what, std::string_view remedy) {
  std::ifstream file{path, std::ios::binary};
  if (!file) {
    return fail(errno == ENOENT ? std::format("there is no {} '{}': {}", what, path, remedy)
                                : std::format("{} '{}' cannot be read: {}: the service must run as the user who may",
                                              what, path, std::strerror(errno)));
  }
  std::vector<std::byte> blob(blob_bytes_max + 1);
  file.read(reinterpret_cast<char*>(blob.data()), static_cast<std::streamsize>(blob.size()));
  blob.resize(static_cast<std::size_t>(file.gcount()));
  if (blob.size() > blob_bytes_max)
    return fail(std::format("{} '{}': it is longer than {} bytes: {}", what, path, blob_bytes_max, remedy));
  return blob;
}

/// Opens the TPM for each signature and lets it go: one without a resource manager serves one at a time.
Signer signer_by(TpmSettings settings, std::vector<std::byte> blob) {
  return [settings = std::move(settings),
          blob = std::move(blob)](std::span<const std::byte> digest) -> Result<std::vector<std::byte>> {
    auto tpm = Tpm::open(settings);
    if (!tpm) return std::unexpected{tpm.error()};
    return tpm->sign(blob, digest);
  };
}

}  // namespace

Result<> put_file(const std::string& path, std::span<const std::byte> bytes, unsigned mode) {
  const std::string partial = path + ".new";
  const int file = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (file < 0)
    return fail(std::format("'{}' cannot be written: {}: make its directory, or name another file", path,
                            std::strerror(errno)));
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
  if (auto may = may_replace(path, replace); !may) return may;
  const auto blob = tpm.seal(secret);
  if (!blob) return std::unexpected{blob.error()};
  return put_file(path, *blob, 0600);
}

Result<SecretVector<std::byte>> unseal_file(Tpm& tpm, const std::string& path, std::string_view what,
                                            std::string_view remedy) {
  const auto blob = read_blob(path, what, remedy);
  if (!blob) return std::unexpected{blob.error()};
  auto secret = tpm.unseal(*blob);
  if (!secret) return fail(std::format("{} '{}': {}", what, path, secret.error().message));
  return secret;
}

Result<> make_signing_key_file(Tpm& tpm, const std::string& path, KeyKind kind, bool replace) {
  if (auto may = may_replace(path, replace); !may) return may;
  const auto blob = tpm.make_signing_key(kind);
  if (!blob) return std::unexpected{blob.error()};
  return put_file(path, *blob, 0600);
}

Result<Identity> unseal_identity(Tpm& tpm, const std::string& path) {
  constexpr std::string_view what = "sealed identity";
  const auto unusable = [&](const Error& error) { return fail(std::format("{} '{}': {}", what, path, error.message)); };
  const auto blob = read_blob(path, what, "make it with 'cloisterctl enroll'");
  if (!blob) return std::unexpected{blob.error()};
  if (auto face = face_of_signing_key(*blob)) {
    if (const auto tried = tpm.try_signing_key(*blob); !tried) return unusable(tried.error());
    auto identity = Identity::kept_elsewhere(face->kind, std::move(face->point), signer_by(tpm.settings(), *blob));
    return identity ? std::move(identity) : unusable(identity.error());
  }
  const auto secret = tpm.unseal(*blob);
  if (!secret) return unusable(secret.error());
  auto identity = Identity::from_sealed(*secret);
  return identity ? std::move(identity) : unusable(identity.error());
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
