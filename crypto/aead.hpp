#pragma once
/// AES-256-GCM with 96-bit nonces and 128-bit tags (NIST SP 800-38D), by libipsec-mb; key schedule in the arena.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "crypto/secret.hpp"

namespace cloister::crypto {

using AeadKey = Secret<struct AeadKeyRole, 32>;
using AeadNonce = std::array<std::byte, 12>;
inline constexpr std::size_t aead_tag_bytes = 16;

/// The expanded key. `seal` and `open` are const and thread-safe; they may work in place.
class Aes256Gcm {
 public:
  explicit Aes256Gcm(AeadKey key);  // consumes the key
  Aes256Gcm(Aes256Gcm&& other) noexcept;
  Aes256Gcm& operator=(Aes256Gcm&& other) noexcept;
  Aes256Gcm(const Aes256Gcm&) = delete;
  Aes256Gcm& operator=(const Aes256Gcm&) = delete;
  ~Aes256Gcm();

  /// `out` has plaintext.size() + aead_tag_bytes bytes: ciphertext, then the tag. The caller answers for the nonce
  /// being fresh.
  void seal(const AeadNonce& nonce, std::span<const std::byte> associated, std::span<const std::byte> plaintext,
            std::span<std::byte> out) const;
  /// `sealed` is ciphertext and tag; `out` has sealed.size() - aead_tag_bytes bytes and is wiped when the tag does not
  /// hold.
  [[nodiscard]] bool open(const AeadNonce& nonce, std::span<const std::byte> associated,
                          std::span<const std::byte> sealed, std::span<std::byte> out) const;

 private:
  struct Context;
  Context* context_;
};

}  // namespace cloister::crypto
