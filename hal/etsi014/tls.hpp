#pragma once
/// TLS towards a KME: whom this box takes for it, and what it shows of itself.

#include <boost/asio/ssl/context.hpp>

#include "crypto/error.hpp"
#include "hal/etsi014/client.hpp"

namespace cloister::hal::etsi014 {

/// TLS 1.2 or 1.3 (the standard asks for no more), AEAD ciphers only, both sides with certificates, no session kept. Reads
/// the files; the error names the one that is wrong.
[[nodiscard]] Result<boost::asio::ssl::context> tls_context(const KmeSettings& settings);

/// Why a handshake failed, in OpenSSL's words and ours: asked right after it, on its thread.
[[nodiscard]] std::string handshake_problem(const KmeSettings& settings, const boost::system::error_code& error,
                                            long verify_result);

}  // namespace cloister::hal::etsi014
