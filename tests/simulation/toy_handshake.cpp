#include <openssl/rand.h>

#include <algorithm>
#include <array>

#include "appliance/hooks/handshake.hpp"
#include "crypto/kdf.hpp"
#include "tests/simulation/witness.hpp"

/// A handshake that costs as good as nothing, by the PSK alone: each side proves that it has it, over both nonces and
/// the names.
///
///   client ── nonce ──▶ server      client ◀── nonce, proof ── server      client ── proof ──▶ server

namespace cloister::hooks {
namespace {

using Nonce = std::array<std::byte, 32>;

void append(std::vector<std::byte>& out, std::span<const std::byte> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

struct Handshake::Toy {
  crypto::TlsRole role;
  crypto::MacKey key;
  std::string names;
  std::vector<std::byte> context;
  Nonce own{};
  Nonce peer{};
  bool begun = false;
  bool done = false;

  [[nodiscard]] bool client() const { return role == crypto::TlsRole::client; }
  [[nodiscard]] crypto::Mac256 proof(bool by_client) const {
    std::vector<std::byte> said;
    append(said, client() ? own : peer);
    append(said, client() ? peer : own);
    append(said, std::as_bytes(std::span{names}));
    const std::array who{by_client ? std::byte{1} : std::byte{2}};
    return crypto::hmac_sha256(key.expose(), who, said);
  }
  [[nodiscard]] bool proven(std::span<const std::byte> bytes, bool by_client) const {
    return crypto::equal_constant_time(bytes, proof(by_client));
  }
  [[nodiscard]] Result<std::vector<std::byte>> advance(std::span<const std::byte> received) {
    std::vector<std::byte> answer;
    if (client() && !begun) {
      begun = true;
      append(answer, own);
      return answer;
    }
    if (client()) {
      if (received.size() != 64) return fail("TLS bootstrap failed: not this handshake");
      std::ranges::copy(received.first(32), peer.begin());
      if (!proven(received.last(32), false)) return fail("TLS bootstrap failed: not the same PSK");
      append(answer, proof(true));
      done = true;
      return answer;
    }
    if (received.size() != 32) return fail("TLS bootstrap failed: not this handshake");
    if (!begun) {
      begun = true;
      std::ranges::copy(received, peer.begin());
      append(answer, own);
      append(answer, proof(false));
      return answer;
    }
    if (!proven(received, true)) return fail("TLS bootstrap failed: not the same PSK");
    done = true;
    return answer;
  }
};

Handshake::Handshake(crypto::TlsRole role, const crypto::Credentials& credentials, std::string names,
                     std::vector<std::byte> context) {
  if (!simulation::Witness::present().toy_handshake()) {
    tls_.emplace(role, credentials, std::move(names), std::move(context));
    return;
  }
  toy_ = std::make_unique<Toy>(Toy{.role = role, .key = {}, .names = std::move(names), .context = std::move(context)});
  std::ranges::copy(credentials.psk->expose().first<crypto::MacKey::size>(), toy_->key.fill().begin());
  require(RAND_bytes(reinterpret_cast<unsigned char*>(toy_->own.data()), static_cast<int>(toy_->own.size())) == 1,
          "OpenSSL gives no randomness");
}
Handshake::Handshake(Handshake&&) noexcept = default;
Handshake& Handshake::operator=(Handshake&&) noexcept = default;
Handshake::~Handshake() = default;

Result<std::vector<std::byte>> Handshake::advance(std::span<const std::byte> received) {
  return tls_ ? tls_->advance(received) : toy_->advance(received);
}
std::vector<std::byte> Handshake::take_alert() { return tls_ ? tls_->take_alert() : std::vector<std::byte>{}; }
bool Handshake::done() const { return tls_ ? tls_->done() : toy_->done; }
Result<crypto::BootstrapSecret> Handshake::take_secret() {
  if (tls_) return tls_->take_secret();
  std::vector<std::byte> said = toy_->context;
  append(said, toy_->proof(true));
  crypto::BootstrapSecret secret;
  crypto::hkdf_sha512(toy_->key.expose(), {}, said, secret.fill());
  return secret;
}
std::optional<std::string> Handshake::late_refusal(std::span<const std::byte> received) {
  return tls_ ? tls_->late_refusal(received) : std::nullopt;
}

}  // namespace cloister::hooks
