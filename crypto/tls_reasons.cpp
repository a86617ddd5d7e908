#include "crypto/tls_reasons.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <format>

namespace cloister::crypto {
namespace {

constexpr const char* another_psk =
    "the two boxes do not hold the same PSK: give both the same one with 'cloisterctl psk'";

/// What an alert of the peer says of a PSK, its number by RFC 8446, 6; decrypt_error is the alert for a wrong binder
/// (4.2.11.2), by which another PSK shows itself.
std::string explain_psk_alert(int alert, const std::string& text, const std::string& names) {
  switch (alert) {
    case SSL_AD_DECRYPT_ERROR:
      return std::format("the peer refuses the proof of the PSK: {}", another_psk);
    case SSL_AD_UNKNOWN_PSK_IDENTITY:
    case SSL_AD_HANDSHAKE_FAILURE:
      return std::format(
          "the peer expects other names than '{}' ({}): compare the names of boxes and link on both sides", names,
          text);
    default:
      return std::format("the peer has ended it ({}): its events say why", text);
  }
}

std::string explain_key_alert(int alert, const std::string& text, const KeyComparison& keys) {
  switch (alert) {
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
      return std::format(
          "the peer does not trust this box's key: 'bootstrap.trust' there must be its fingerprint, {} (compare it, "
          "'cloisterctl fingerprint' shows it)",
          keys.own.hex);
    case SSL_AD_HANDSHAKE_FAILURE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REQUIRED:
    case SSL_AD_MISSING_EXTENSION:
      return std::format("the peer does not bootstrap by pinned keys ({}): set 'bootstrap' alike on both boxes", text);
    default:
      return std::format("the peer has ended it ({}): its events say why", text);
  }
}

}  // namespace

TlsReason last_tls_reason() {
  TlsReason reason;
  while (const unsigned long code = ERR_get_error()) {
    const char* text = ERR_reason_error_string(code);
    reason = {ERR_GET_REASON(code), text != nullptr ? text : std::format("error {}", code)};
  }
  return reason;
}

std::string explain(const TlsReason& reason, const std::string& names, const std::optional<KeyComparison>& keys) {
  if (keys && keys->shown && *keys->shown != keys->expected)
    return std::format(
        "the peer's key has the fingerprint {}, and {} is expected: compare it with the peer's operator before you "
        "change 'bootstrap.trust'; if it is not the peer's, somebody stands between the boxes",
        keys->shown->hex, keys->expected.hex);
  if (reason.number == SSL_R_BINDER_DOES_NOT_VERIFY) return another_psk;
  // A reason from SSL_AD_REASON_OFFSET on is an alert that the peer has sent.
  if (reason.number < SSL_AD_REASON_OFFSET)
    return std::format(
        "what the other end sends is not this handshake ({}): its version or its 'bootstrap' is another, or somebody "
        "changes the bytes on their way",
        reason.text);
  const int alert = reason.number - SSL_AD_REASON_OFFSET;
  return keys ? explain_key_alert(alert, reason.text, *keys) : explain_psk_alert(alert, reason.text, names);
}

}  // namespace cloister::crypto
