#include "hal/etsi014/tls.hpp"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <cerrno>
#include <format>
#include <optional>
#include <system_error>

#include "crypto/secret.hpp"
#include "crypto/signing_provider.hpp"

namespace cloister::hal::etsi014 {
namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;
namespace {

constexpr std::size_t key_file_bytes_max = std::size_t{64} * 1024;

std::unexpected<Error> refuse(const std::string& path, const char* what, const std::string& why) {
  ERR_clear_error();
  return fail(std::format("'{}' is not {}: {}", path, what, why));
}

/// Into the arena, and not through the C library's buffers.
Result<crypto::SecretVector<char>> read_key_file(const std::string& path) {
  const auto failed = [&path] {
    return fail(
        std::format("key '{}' of the KME's client cannot be read: {}", path, std::generic_category().message(errno)));
  };
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return failed();
  crypto::SecretVector<char> text(key_file_bytes_max);
  std::size_t length = 0;
  ssize_t got = 0;
  while (length < text.size() && (got = ::read(file, text.data() + length, text.size() - length)) > 0)
    length += static_cast<std::size_t>(got);
  std::optional<std::unexpected<Error>> problem;
  if (got < 0) problem = failed();
  ::close(file);
  if (problem) return std::move(*problem);
  text.resize(length);
  return text;
}

Result<> use_key_file(ssl::context& context, const std::string& path) {
  const auto text = read_key_file(path);
  if (!text) return std::unexpected{text.error()};
  error_code error;
  // Without it OpenSSL would ask on the terminal.
  context.set_password_callback([](std::size_t, ssl::context::password_purpose) { return std::string{}; }, error);
  if (!error) context.use_private_key(asio::buffer(*text), ssl::context::pem, error);
  if (error) return refuse(path, "a private key in PEM without a passphrase", error.message());
  return {};
}

Result<> use_identity(ssl::context& context, const KmeSettings& settings) {
  const auto key = settings.identity == nullptr ? nullptr : settings.identity->key();
  if (key != nullptr && SSL_CTX_use_PrivateKey(context.native_handle(), key.get()) == 1) return {};
  ERR_clear_error();
  return fail("the box's identity cannot be used for the KME: set 'etsi014.key'");
}

}  // namespace

Result<ssl::context> tls_context(const KmeSettings& settings) {
  ssl::context context{ssl::context::tls_client};
  SSL_CTX* const native = context.native_handle();
  require(SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION) == 1 &&
              SSL_CTX_set_cipher_list(native, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1,
          "OpenSSL refuses the TLS settings for a KME");
  SSL_CTX_set_options(native, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  error_code error;
  context.load_verify_file(settings.ca, error);
  if (error) return refuse(settings.ca, "a certificate authority in PEM", error.message());
  context.set_verify_mode(ssl::verify_peer, error);
  // The key first: a certificate that comes to a key of another is told from a key that is none.
  const auto keyed = settings.key.empty() ? use_identity(context, settings) : use_key_file(context, settings.key);
  if (!keyed) return std::unexpected{keyed.error()};
  context.use_certificate_chain_file(settings.certificate, error);
  if (error) return refuse(settings.certificate, "a certificate in PEM", error.message());
  if (SSL_CTX_check_private_key(native) != 1)
    return refuse(settings.certificate, "the certificate of this key",
                  settings.key.empty()
                      ? "have one issued for 'box.identity' ('cloisterctl enroll --csr'), or set 'etsi014.key'"
                      : "name the certificate and the key that were issued together");
  return context;
}

std::string handshake_problem(const KmeSettings& settings, const error_code& error, long verify_result) {
  if (const auto signer = crypto::last_signer_failure())
    return std::format("this box cannot sign for the KME: {}", *signer);
  if (verify_result != X509_V_OK)
    return std::format(
        "the KME's certificate is not what it must be ({}): it must come from '{}', be in date, and have "
        "the name '{}'",
        X509_verify_cert_error_string(verify_result), settings.ca, settings.host);
  return std::format("no TLS with the KME at {} port {}: {}: does it know the certificate '{}'", settings.host,
                     settings.port, error.message(), settings.certificate);
}

}  // namespace cloister::hal::etsi014
