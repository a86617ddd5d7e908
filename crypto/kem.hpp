#pragma once
/// ML-KEM-768 (FIPS 203), by OpenSSL 3.5.

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "crypto/error.hpp"
#include "crypto/secret.hpp"

namespace cloister::crypto {

inline constexpr std::size_t kem_public_bytes = 1184;
inline constexpr std::size_t kem_ciphertext_bytes = 1088;
using KemSecret = Secret<struct KemSecretRole, 32>;

/// A fresh key pair; decapsulates once and is gone.
class KemKeyPair {
 public:
  [[nodiscard]] static Result<KemKeyPair> generate();
  /// From the 64 bytes d ‖ z of FIPS 203, algorithm 16: for known answers.
  [[nodiscard]] static Result<KemKeyPair> from_seed(std::span<const std::byte> seed);
  KemKeyPair(KemKeyPair&&) noexcept;
  KemKeyPair& operator=(KemKeyPair&&) noexcept;
  KemKeyPair(const KemKeyPair&) = delete;
  KemKeyPair& operator=(const KemKeyPair&) = delete;
  ~KemKeyPair();

  [[nodiscard]] std::vector<std::byte> public_key() const;
  [[nodiscard]] Result<KemSecret> decapsulate(std::span<const std::byte> ciphertext) &&;

 private:
  explicit KemKeyPair(void* key) : key_{key} {}
  void* key_;
};

struct KemEncapsulation {
  std::vector<std::byte> ciphertext;
  KemSecret secret;
};
/// Refuses a public key that is not one (length, modulus check of FIPS 203, 7.2).
[[nodiscard]] Result<KemEncapsulation> kem_encapsulate(std::span<const std::byte> public_key);

}  // namespace cloister::crypto
