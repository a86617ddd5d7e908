#pragma once
/// A TLS 1.3 handshake without a socket: bytes in, bytes out, and at the end an exported secret (RFC 8446, 7.5).
///
///   client ──ClientHello: PSK identity or kind of certificate, X25519MLKEM768──▶ server
///          ◀── ServerHello … Finished ──
///          ── Finished ──▶                   both: exporter(label, context) ──▶ BootstrapSecret
///
/// Mutual authentication, by one of two:
///   - an external PSK, psk_dhe_ke only, so that the PSK's later loss does not give the exported secret;
///   - keys, ML-DSA-65 or ECDSA on P-256 or P-384, each side its own kind: raw ones (RFC 7250), of which each side knows the other's fingerprint, or with certificates of
///     an operator's authority. Where there is a PSK besides, it is mixed into what is exported: the secrets of the two
///     sides are equal only if both hold.
/// The session is used for nothing else: no application data passes, no ticket is issued or taken.

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crypto/credentials.hpp"
#include "crypto/error.hpp"
#include "crypto/secret.hpp"

namespace cloister::crypto {

using BootstrapSecret = Secret<struct BootstrapSecretRole, 64>;

enum class TlsRole { client, server };

class TlsHandshake {
 public:
  /// `names` says boxes, roles and link, alike on both sides. A client with a PSK sends it, and the server takes no
  /// other, so a reflected flight is refused; by keys, a reflected flight shows the own key, which is not the peer's.
  /// `context` enters the exporter, and must say the same and more: only with it are names bound in a handshake by keys.
  TlsHandshake(TlsRole role, const Credentials& credentials, std::string names, std::vector<std::byte> context);
  TlsHandshake(TlsHandshake&&) noexcept;
  TlsHandshake& operator=(TlsHandshake&&) noexcept;
  ~TlsHandshake();

  /// Takes the peer's bytes (none at first) and returns what is to be sent. An error ends the handshake; its message is
  /// for the operator and says which it was: another PSK, other names, an alert of the peer, or bytes that are no such
  /// handshake.
  [[nodiscard]] Result<std::vector<std::byte>> advance(std::span<const std::byte> received);
  /// After an error: the alert for the peer, so that it can tell its operator too; may be empty.
  [[nodiscard]] std::vector<std::byte> take_alert();
  [[nodiscard]] bool done() const;
  /// Once, after done().
  [[nodiscard]] Result<BootstrapSecret> take_secret();
  /// The client is done before the server has seen its key (RFC 8446, 2): what comes after may be the server's refusal.
  /// In words, when it is one that this very server has made; else nothing.
  [[nodiscard]] std::optional<std::string> late_refusal(std::span<const std::byte> received);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cloister::crypto
