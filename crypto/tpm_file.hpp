#pragma once
/// What bootstraps go by, as files: sealed secrets, whole or not there, for the owner only; and texts beside them.

#include <format>
#include <span>
#include <string>

#include "crypto/error.hpp"
#include "crypto/identity.hpp"
#include "crypto/tpm.hpp"

namespace cloister::crypto {

/// The new content or the old, also through a power cut; readable as `mode` says.
[[nodiscard]] Result<> put_file(const std::string& path, std::span<const std::byte> bytes, unsigned mode);

/// Seals `secret` into the file `path`; an existing one is replaced only when `replace` says so.
[[nodiscard]] Result<> seal_to_file(Tpm& tpm, const std::string& path, std::span<const std::byte> secret, bool replace);
/// The same with a key that the TPM makes and keeps.
[[nodiscard]] Result<> make_signing_key_file(Tpm& tpm, const std::string& path, KeyKind kind, bool replace);
/// `what` begins the message of a failure ("sealed PSK"); `remedy` ends it where there is no file.
[[nodiscard]] Result<SecretVector<std::byte>> unseal_file(Tpm& tpm, const std::string& path, std::string_view what,
                                                          std::string_view remedy);

/// This box's key, as `cloisterctl enroll` has sealed it or had it made by the TPM, which is then asked for each
/// signature, and opened for that anew.
[[nodiscard]] Result<Identity> unseal_identity(Tpm& tpm, const std::string& path);

/// A text that a person has put there: at most so many bytes of it, and one more where it is longer, so that its parser sees that.
[[nodiscard]] Result<std::string> read_text_file(const std::string& path, std::size_t bytes_max);

/// The same, parsed by `parse`, whose error goes on from the file's name: "is no …".
template <class Parse>
[[nodiscard]] auto parsed_file(const std::string& path, std::size_t bytes_max, Parse parse) -> decltype(parse({})) {
  const auto text = read_text_file(path, bytes_max);
  if (!text) return std::unexpected{text.error()};
  auto value = parse(*text);
  if (!value) return fail(std::format("'{}' {}", path, value.error().message));
  return value;
}

}  // namespace cloister::crypto
