#pragma once
/// What the dashboard needs to be reached from elsewhere than its own machine: TLS, and a token to ask for.

#include <boost/asio/ssl/context.hpp>
#include <expected>
#include <string>

#include "appliance/dashboard/token.hpp"

namespace cloister::dashboard {

struct Elsewhere {
  boost::asio::ssl::context tls;
  Token token;
};

struct ElsewhereFiles {
  std::string certificate;  // PEM: the dashboard's, then those up to the root
  std::string key;          // PEM, without a passphrase
  std::string token;
};

/// The credentials that systemd passes to its unit (systemd.exec(5), "Credentials"); empty where it passes none. Where one
/// of the three is there, all are expected.
[[nodiscard]] ElsewhereFiles files_of_systemd();

/// TLS 1.3 and nothing older; the key exchange is X25519MLKEM768 with each client that knows it (OpenSSL's own choice).
[[nodiscard]] std::expected<Elsewhere, std::string> open_elsewhere(const ElsewhereFiles& files);

}  // namespace cloister::dashboard
