#include "crypto/tls_handshake.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <format>

#include "crypto/kdf.hpp"
#include "crypto/tls_reasons.hpp"

namespace cloister::crypto {
namespace {

constexpr std::size_t received_bytes_max = std::size_t{64} * 1024;
constexpr std::string_view exporter_label = "EXPORTER-cloister-bootstrap";
constexpr std::string_view both_label = "cloister-bootstrap keys and psk";
/// TLS_AES_256_GCM_SHA384 (RFC 8446, appendix B.4).
constexpr std::array<unsigned char, 2> cipher_suite{0x13, 0x02};

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

/// Without certificates, tickets or older versions. One for all handshakes: to make it is a fifth of one's time.
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

SSL_CTX* shared_context() {
  static SSL_CTX* const context = make_context();
  return context;
}

Psk copy_of(const Psk& psk) {
  Psk copy;
  std::ranges::copy(psk.expose(), copy.fill().begin());
  return copy;
}

/// The exported secret and the PSK, both unknown to whoever lacks one of them (NIST SP 800-56C, 2: the second is
/// concatenated to the first).
BootstrapSecret with_psk(const BootstrapSecret& exported, const Psk& psk) {
  Secret<struct ExportedAndPskRole, BootstrapSecret::size + Psk::size> input;
  std::ranges::copy(exported.expose(), input.fill().begin());
  std::ranges::copy(psk.expose(), input.fill().begin() + BootstrapSecret::size);
  BootstrapSecret both;
  hkdf_sha512(input.expose(), {}, std::as_bytes(std::span{both_label}), both.fill());
  return both;
}

}  // namespace

struct TlsHandshake::State {
  std::optional<Psk> psk;
  bool by_keys = false;
  TlsExpectations expected;
  std::vector<std::byte> context;
  std::unique_ptr<SSL, FreeSsl> ssl{SSL_new(shared_context())};
  BIO* incoming = nullptr;  // owned by ssl
  BIO* outgoing = nullptr;
  std::size_t received = 0;
  bool names_refused = false;
  bool done = false;

  /// What TLS calls a session: the PSK with the suite that its binder hash comes from.
  SSL_SESSION* psk_session() {
    SSL_SESSION* session = SSL_SESSION_new();
    const SSL_CIPHER* cipher = SSL_CIPHER_find(ssl.get(), cipher_suite.data());
    const auto key = psk->expose();
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
    *id = reinterpret_cast<const unsigned char*>(self.expected.names.data());
    *id_length = self.expected.names.size();
    *session = self.psk_session();
    return *session != nullptr ? 1 : 0;
  }

  static int find_psk(SSL* ssl, const unsigned char* id, std::size_t id_length, SSL_SESSION** session) {
    State& self = of(ssl);
    const bool ours =
        equal_constant_time(std::as_bytes(std::span{id, id_length}), std::as_bytes(std::span{self.expected.names}));
    self.names_refused = !ours;
    *session = ours ? self.psk_session() : nullptr;
    return !ours || *session != nullptr ? 1 : 0;
  }

  /// OpenSSL trusts no raw public key by itself and asks here; any other complaint stands.
  static int check_key(int, X509_STORE_CTX* store) {
    State& self = of(static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx())));
    const EVP_PKEY* key = X509_STORE_CTX_get0_rpk(store);
    if (key == nullptr || X509_STORE_CTX_get_error(store) != X509_V_ERR_RPK_UNTRUSTED) return 0;
    auto& keys = *self.expected.keys;
    keys.shown = fingerprint_of(key);
    if (!keys.expected || *keys.shown != *keys.expected) return 0;
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
  }

  void authenticate_by_psk(TlsRole role) const {
    if (role == TlsRole::client)
      SSL_set_psk_use_session_callback(ssl.get(), use_psk);
    else
      SSL_set_psk_find_session_callback(ssl.get(), find_psk);
  }

  void show_key(const Identity& own) const {
    const KeyPointer key = own.key();
    char signatures[] = "mldsa65:ecdsa_secp384r1_sha384:ecdsa_secp256r1_sha256";  // OpenSSL's macro casts const away
    const bool set = key != nullptr && SSL_set1_sigalgs_list(ssl.get(), signatures) == 1 &&
                     SSL_use_PrivateKey(ssl.get(), key.get()) == 1;
    require(set, "OpenSSL refuses this box's key: is its version 3.5 or newer");
  }

  void authenticate_by_pinned_keys(const PinnedKeys& pinned) {
    expected.keys.emplace(
        KeyComparison{.own = pinned.own->fingerprint(),
                      .expected = pinned.peer.transform([](const TrustedKey& trusted) { return trusted.key; }),
                      .shown = {}});
    show_key(*pinned.own);
    constexpr std::array<unsigned char, 1> raw_public_key{TLSEXT_cert_type_rpk};
    const bool set = SSL_set1_client_cert_type(ssl.get(), raw_public_key.data(), raw_public_key.size()) == 1 &&
                     SSL_set1_server_cert_type(ssl.get(), raw_public_key.data(), raw_public_key.size()) == 1;
    require(set, "OpenSSL refuses raw public keys: is its version 3.5 or newer");
    SSL_set_verify(ssl.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, check_key);
  }

  /// OpenSSL checks names, dates, signatures and revocation (RFC 5280, 6) by itself.
  void authenticate_by_certificates(const CertifiedKeys& certified) {
    expected.certificate.emplace(CertificateCheck{.peer_box = certified.peer_box});
    const auto& chain = certified.certificate->certificates();
    bool set = SSL_use_certificate(ssl.get(), chain.front().get()) == 1;
    for (std::size_t i = 1; i < chain.size(); ++i) set = set && SSL_add1_chain_cert(ssl.get(), chain[i].get()) == 1;
    show_key(*certified.own);
    X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl.get());
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    set = set && SSL_set1_verify_cert_store(ssl.get(), certified.authority->store()) == 1 &&
          X509_VERIFY_PARAM_set1_host(parameters, certified.peer_box.data(), certified.peer_box.size()) == 1;
    require(set, "OpenSSL refuses the settings for certificates");
    SSL_set_verify(ssl.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }

  /// Whether the handshake rested on what was configured for it.
  [[nodiscard]] bool authenticated() const {
    const bool by_psk = SSL_session_reused(ssl.get()) == 1;
    if (!by_keys) return by_psk;
    if (by_psk || SSL_get_verify_result(ssl.get()) != X509_V_OK) return false;
    const auto& keys = expected.keys;
    return keys ? keys->shown && keys->expected && *keys->shown == *keys->expected
                : SSL_get0_peer_certificate(ssl.get()) != nullptr;
  }

  [[nodiscard]] std::string refusal(const TlsReason& reason) {
    if (expected.certificate) expected.certificate->result = SSL_get_verify_result(ssl.get());
    return std::format("TLS bootstrap failed: {}", explain(reason, expected));
  }

  std::vector<std::byte> take_outgoing() const {
    std::vector<std::byte> bytes(BIO_ctrl_pending(outgoing));
    if (!bytes.empty())
      require(BIO_read(outgoing, bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size()),
              "a memory BIO gave less than it holds");
    return bytes;
  }
};

TlsHandshake::TlsHandshake(TlsRole role, const Credentials& credentials, std::string names,
                           std::vector<std::byte> context)
    : state_{std::make_unique<State>()} {
  State& state = *state_;
  require(credentials.psk || credentials.by_keys(), "a bootstrap without credentials");
  if (credentials.psk) state.psk.emplace(copy_of(*credentials.psk));
  state.by_keys = credentials.by_keys();
  state.expected.names = std::move(names);
  state.context = std::move(context);
  require(state.ssl != nullptr, "OpenSSL gives no TLS connection");
  SSL_set_app_data(state.ssl.get(), state_.get());
  state.incoming = BIO_new(BIO_s_mem());
  state.outgoing = BIO_new(BIO_s_mem());
  require(state.incoming != nullptr && state.outgoing != nullptr, "OpenSSL gives no memory BIO");
  SSL_set_bio(state.ssl.get(), state.incoming, state.outgoing);
  if (credentials.certified)
    state.authenticate_by_certificates(*credentials.certified);
  else if (credentials.pinned)
    state.authenticate_by_pinned_keys(*credentials.pinned);
  else
    state.authenticate_by_psk(role);
  if (role == TlsRole::client)
    SSL_set_connect_state(state.ssl.get());
  else
    SSL_set_accept_state(state.ssl.get());
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
  if (state.names_refused) {
    return fail(
        std::format("TLS bootstrap failed: the peer names itself or its link otherwise than expected here ('{}'): "
                    "compare the names of boxes and link on both sides",
                    state.expected.names));
  }
  return fail(state.refusal(last_tls_reason()));
}

std::vector<std::byte> TlsHandshake::take_alert() { return state_->take_outgoing(); }

bool TlsHandshake::done() const { return state_->done; }

Result<BootstrapSecret> TlsHandshake::take_secret() {
  State& state = *state_;
  if (!state.done) return fail("the TLS handshake is not over");
  if (!state.authenticated()) return fail("TLS bootstrap failed: the handshake did not use what was configured for it");
  BootstrapSecret secret;
  const auto out = secret.fill();
  const int exported = SSL_export_keying_material(
      state.ssl.get(), reinterpret_cast<unsigned char*>(out.data()), out.size(), exporter_label.data(),
      exporter_label.size(), reinterpret_cast<const unsigned char*>(state.context.data()), state.context.size(), 1);
  if (exported != 1) return fail("TLS bootstrap failed: no secret can be exported");
  return state.by_keys && state.psk ? with_psk(secret, *state.psk) : std::move(secret);
}

std::optional<std::string> TlsHandshake::late_refusal(std::span<const std::byte> received) {
  State& state = *state_;
  state.received += received.size();
  if (!state.done || state.received > received_bytes_max || received.empty() ||
      BIO_write(state.incoming, received.data(), static_cast<int>(received.size())) <= 0)
    return std::nullopt;
  ERR_clear_error();
  std::byte none{};
  if (SSL_get_error(state.ssl.get(), SSL_read(state.ssl.get(), &none, 1)) != SSL_ERROR_SSL) return std::nullopt;
  const TlsReason reason = last_tls_reason();
  if (reason.number < SSL_AD_REASON_OFFSET) return std::nullopt;  // no alert: changed on its way, say
  return state.refusal(reason);
}

}  // namespace cloister::crypto
