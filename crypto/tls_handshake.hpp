#pragma once
/// A TLS 1.3 handshake without a socket: bytes in, bytes out, and at the end an exported secret (RFC 8446, 7.5).
///
///   client ──ClientHello: PSK identity, X25519MLKEM768──▶ server
///          ◀── ServerHello … Finished ──
///          ── Finished ──▶                   both: exporter(label, context) ──▶ BootstrapSecret
///
/// Mutual authentication by an external PSK, psk_dhe_ke only, so that the PSK's later loss does not give the exported
/// secret. The session is used for nothing else: no application data passes, no ticket is issued or taken.

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "crypto/error.hpp"
#include "crypto/secret.hpp"

namespace cloister::crypto {

using Psk = Secret<struct PskRole, 32>;
using BootstrapSecret = Secret<struct BootstrapSecretRole, 64>;

enum class TlsRole { client, server };

class TlsHandshake {
 public:
  /// `identity` is sent by the client and must be exactly what the server expects: it names both boxes and the
  /// direction, so a reflected flight is refused. `context` enters the exporter.
  TlsHandshake(TlsRole role, const Psk& psk, std::string identity, std::vector<std::byte> context);
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

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cloister::crypto
