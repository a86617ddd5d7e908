#pragma once
/// From a tunnel key and, in hybrid mode, an ML-KEM-768 secret to the keys of a pair of SAs; and, where a tunnel may go
/// on without QKD key, from the secrets of an exchange alone.
///
///   input = u32 length | QKD key | u32 length | KEM secret (length 0 without one)        NIST SP 800-56C rev. 2,
///   section 2: Z || T SaKey = HKDF-SHA-512(input, salt = "cloister sa v1", info = context of this SA)      ETSI TS 103
///   744, section 8.2: concatenation
///   of an exchange: X25519 secret in place of the QKD key, salt = "cloister exchanged sa v1"
///
/// The context is injective (each part with its length) and names all that must not be swapped: both boxes and who
/// began, tunnel, epoch, key name, mode, the public values of both exchanges, direction and SPI. Every part is a member
/// of SaContext: leaving one out does not compile.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "appliance/vpn/esp.hpp"
#include "appliance/wire/names.hpp"
#include "crypto/kdf.hpp"
#include "crypto/kem.hpp"
#include "crypto/x25519.hpp"

namespace cloister::vpn {

struct SaContext {
  std::string_view tunnel;
  std::string_view initiator;
  std::string_view responder;
  std::uint64_t epoch;
  wire::KeyName key_name;
  std::span<const std::byte> kem_public_key;  // both empty without hybrid mode
  std::span<const std::byte> kem_ciphertext;
  std::span<const std::byte> x25519_initiator;  // both empty but for the SAs of an exchange
  std::span<const std::byte> x25519_responder;
};

enum class Direction : std::uint8_t { initiator_to_responder = 1, responder_to_initiator = 2 };

/// What both SAs of a generation are derived from; holds the secrets until both are.
class SaSecrets {
 public:
  /// `kem` is absent exactly when hybrid mode is off.
  SaSecrets(crypto::TunnelKey key, std::optional<crypto::KemSecret> kem);
  /// Of an exchange, which always has both.
  SaSecrets(crypto::X25519Secret agreed, crypto::KemSecret kem);
  [[nodiscard]] SaKey derive(const SaContext& context, Direction direction, Spi spi) const;

 private:
  std::string_view label_;
  crypto::SecretVector<std::byte> input_;
};

}  // namespace cloister::vpn
