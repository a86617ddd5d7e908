#include "crypto/tls_handshake.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <format>

#include "crypto/kdf.hpp"

namespace cloister::crypto {
namespace {

constexpr std::size_t received_bytes_max = std::size_t{64} * 1024;
constexpr std::string_view exporter_label = "EXPORTER-cloister-bootstrap";
/// TLS_AES_256_GCM_SHA384 (RFC 8446, appendix B.4).
constexpr std::array<unsigned char, 2> cipher_suite{0x13, 0x02};

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

/// A context without certificates, tickets or older versions: an external PSK with (EC)DHE or nothing.
SSL_CTX* make_context() {
  SSL_CTX* context = SSL_CTX_new(TLS_method());
  require(context != nullptr, "OpenSSL gives no TLS context");
  char groups[] = "X25519MLKEM768";  // OpenSSL's macro casts const away
  const bool set = SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
                   SSL_CTX_set_ciphersuites(context, "TLS_AES_256_GCM_SHA384") == 1 &&
                   SSL_CTX_set1_groups_list(context, groups) == 1 && SSL_CTX_set_num_tickets(context, 0) == 1;
  require(set, "OpenSSL refuses the TLS settings: is its version 3.5 or newer");
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  return context;
}

constexpr const char* another_psk =
    "the two boxes do not hold the same PSK: give both the same one with 'cloisterctl psk'";

/// The last error that OpenSSL noted, which is what ended the handshake.
struct Reason {
  int number = 0;
  std::string text = "no reason given";
};

Reason last_reason() {
  Reason reason;
  while (const unsigned long code = ERR_get_error()) {
    const char* text = ERR_reason_error_string(code);
    reason = {ERR_GET_REASON(code), text != nullptr ? text : std::format("error {}", code)};
  }
  return reason;
}

/// In words for the operator. A reason from SSL_AD_REASON_OFFSET on is an alert that the peer has sent, its number by
/// RFC 8446, 6; a wrong binder (4.2.11.2) is what another PSK shows itself by, and decrypt_error is the alert for it.
std::string explain(const Reason& reason, const std::string& identity) {
  if (reason.number == SSL_R_BINDER_DOES_NOT_VERIFY) return another_psk;
  if (reason.number < SSL_AD_REASON_OFFSET)
    return std::format(
        "what the other end sends is not this handshake ({}): its version is another, or somebody changes "
        "the bytes on their way",
        reason.text);
  switch (reason.number - SSL_AD_REASON_OFFSET) {
    case SSL_AD_DECRYPT_ERROR:
      return std::format("the peer refuses the proof of the PSK: {}", another_psk);
    case SSL_AD_UNKNOWN_PSK_IDENTITY:
    case SSL_AD_HANDSHAKE_FAILURE:
      return std::format(
          "the peer expects other names than '{}' ({}): compare the names of boxes and link on both sides", identity,
          reason.text);
    default:
      return std::format("the peer has ended it ({}): its events say why", reason.text);
  }
}

}  // namespace

struct TlsHandshake::State {
  TlsRole role{};
  Psk psk;
  std::string identity;
  std::vector<std::byte> context;
  std::unique_ptr<SSL_CTX, FreeContext> tls_context{make_context()};
  std::unique_ptr<SSL, FreeSsl> ssl{SSL_new(tls_context.get())};
  BIO* incoming = nullptr;  // owned by ssl
  BIO* outgoing = nullptr;
  std::size_t received = 0;
  bool identity_refused = false;
  bool done = false;

  /// What TLS calls a session: the PSK with the suite that its binder hash comes from.
  SSL_SESSION* psk_session() {
    SSL_SESSION* session = SSL_SESSION_new();
    const SSL_CIPHER* cipher = SSL_CIPHER_find(ssl.get(), cipher_suite.data());
    const auto key = psk.expose();
    const bool made =
        session != nullptr && cipher != nullptr &&
        SSL_SESSION_set1_master_key(session, reinterpret_cast<const unsigned char*>(key.data()), key.size()) == 1 &&
        SSL_SESSION_set_cipher(session, cipher) == 1 && SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1;
    if (made) return session;
    SSL_SESSION_free(session);
    return nullptr;
  }

  static State& of(SSL* ssl) { return *static_cast<State*>(SSL_get_app_data(ssl)); }

  static int use_psk(SSL* ssl, const EVP_MD*, const unsigned char** id, std::size_t* id_length, SSL_SESSION** session) {
    State& self = of(ssl);
    *id = reinterpret_cast<const unsigned char*>(self.identity.data());
    *id_length = self.identity.size();
    *session = self.psk_session();
    return *session != nullptr ? 1 : 0;
  }

  static int find_psk(SSL* ssl, const unsigned char* id, std::size_t id_length, SSL_SESSION** session) {
    State& self = of(ssl);
    const bool ours =
        equal_constant_time(std::as_bytes(std::span{id, id_length}), std::as_bytes(std::span{self.identity}));
    self.identity_refused = !ours;
    *session = ours ? self.psk_session() : nullptr;
    return !ours || *session != nullptr ? 1 : 0;
  }

  std::vector<std::byte> take_outgoing() const {
    std::vector<std::byte> bytes(BIO_ctrl_pending(outgoing));
    if (!bytes.empty())
      require(BIO_read(outgoing, bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size()),
              "a memory BIO gave less than it holds");
    return bytes;
  }
};

TlsHandshake::TlsHandshake(TlsRole role, const Psk& psk, std::string identity, std::vector<std::byte> context)
    : state_{std::make_unique<State>()} {
  State& state = *state_;
  state.role = role;
  std::ranges::copy(psk.expose(), state.psk.fill().begin());
  state.identity = std::move(identity);
  state.context = std::move(context);
  require(state.ssl != nullptr, "OpenSSL gives no TLS connection");
  SSL_set_app_data(state.ssl.get(), state_.get());
  state.incoming = BIO_new(BIO_s_mem());
  state.outgoing = BIO_new(BIO_s_mem());
  require(state.incoming != nullptr && state.outgoing != nullptr, "OpenSSL gives no memory BIO");
  SSL_set_bio(state.ssl.get(), state.incoming, state.outgoing);
  if (role == TlsRole::client) {
    SSL_set_psk_use_session_callback(state.ssl.get(), State::use_psk);
    SSL_set_connect_state(state.ssl.get());
  } else {
    SSL_set_psk_find_session_callback(state.ssl.get(), State::find_psk);
    SSL_set_accept_state(state.ssl.get());
  }
}

TlsHandshake::TlsHandshake(TlsHandshake&&) noexcept = default;
TlsHandshake& TlsHandshake::operator=(TlsHandshake&&) noexcept = default;
TlsHandshake::~TlsHandshake() = default;

Result<std::vector<std::byte>> TlsHandshake::advance(std::span<const std::byte> received) {
  State& state = *state_;
  if (state.done) return fail("the TLS handshake is over");
  state.received += received.size();
  if (state.received > received_bytes_max)
    return fail("TLS bootstrap failed: the peer sends more than a handshake has");
  if (!received.empty() && BIO_write(state.incoming, received.data(), static_cast<int>(received.size())) <= 0)
    return fail("TLS bootstrap failed: out of memory");

  ERR_clear_error();
  const int result = SSL_do_handshake(state.ssl.get());
  if (result == 1) {
    state.done = true;
    return state.take_outgoing();
  }
  const int why = SSL_get_error(state.ssl.get(), result);
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return state.take_outgoing();
  if (state.identity_refused) {
    return fail(
        std::format("TLS bootstrap failed: the peer names itself or its link otherwise than expected here ('{}'): "
                    "compare the names of boxes and link on both sides",
                    state.identity));
  }
  return fail(std::format("TLS bootstrap failed: {}", explain(last_reason(), state.identity)));
}

std::vector<std::byte> TlsHandshake::take_alert() { return state_->take_outgoing(); }

bool TlsHandshake::done() const { return state_->done; }

Result<BootstrapSecret> TlsHandshake::take_secret() {
  State& state = *state_;
  if (!state.done) return fail("the TLS handshake is not over");
  if (SSL_session_reused(state.ssl.get()) != 1) return fail("TLS bootstrap failed: the handshake did not use the PSK");
  BootstrapSecret secret;
  const auto out = secret.fill();
  const int exported = SSL_export_keying_material(
      state.ssl.get(), reinterpret_cast<unsigned char*>(out.data()), out.size(), exporter_label.data(),
      exporter_label.size(), reinterpret_cast<const unsigned char*>(state.context.data()), state.context.size(), 1);
  if (exported != 1) return fail("TLS bootstrap failed: no secret can be exported");
  return secret;
}

}  // namespace cloister::crypto
