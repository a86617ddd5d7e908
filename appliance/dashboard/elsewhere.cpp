#include "appliance/dashboard/elsewhere.hpp"

#include <openssl/ssl.h>

#include <cstdlib>
#include <filesystem>
#include <format>
#include <system_error>
#include <utility>

namespace cloister::dashboard {
namespace ssl = boost::asio::ssl;

ElsewhereFiles files_of_systemd() {
  const char* const directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr) return {};
  const auto prefix = std::string{directory} + "/cloister-dashboard.";
  ElsewhereFiles files{.certificate = prefix + "certificate", .key = prefix + "key", .token = prefix + "token"};
  std::error_code error;
  const bool any = std::filesystem::exists(files.certificate, error) || std::filesystem::exists(files.key, error) ||
                   std::filesystem::exists(files.token, error);
  return any ? files : ElsewhereFiles{};
}

std::expected<Elsewhere, std::string> open_elsewhere(const ElsewhereFiles& files) {
  auto token = Token::read(files.token);
  if (!token) return std::unexpected{token.error()};
  ssl::context tls{ssl::context::tls_server};
  boost::system::error_code error;
  tls.use_certificate_chain_file(files.certificate, error);
  if (error) {
    return std::unexpected{std::format("cannot use the certificate '{}': {}: it is a PEM file, the dashboard's first",
                                       files.certificate, error.message())};
  }
  // A key that is sealed by a passphrase would have OpenSSL ask for it on a terminal that a service does not have.
  tls.set_password_callback([](std::size_t, ssl::context::password_purpose) { return std::string{}; }, error);
  if (!error) tls.use_private_key_file(files.key, ssl::context::pem, error);
  if (error) {
    return std::unexpected{
        std::format("cannot use the key '{}': {}: it is the PEM file of the certificate's key, without a passphrase",
                    files.key, error.message())};
  }
  if (::SSL_CTX_set_min_proto_version(tls.native_handle(), TLS1_3_VERSION) != 1)
    return std::unexpected{"OpenSSL offers no TLS 1.3"};
  return Elsewhere{.tls = std::move(tls), .token = std::move(*token)};
}

}  // namespace cloister::dashboard
