#include "crypto/tls_reasons.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <format>
#include <utility>

#include "crypto/signing_provider.hpp"

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
          "the peer does not trust this box's key: 'bootstrap.trust' or the vouchers there must name its fingerprint, "
          "{} "
          "(compare it, 'cloisterctl fingerprint' shows it), and vouchers must be in date",
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

std::string explain_certificate(const CertificateCheck& check) {
  switch (check.result) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
      return std::format("the peer's certificate is another box's: expected the DNS name '{}' in it", check.peer_box);
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return std::format("the certificate of box '{}' (or of its authority) has expired: renew it there",
                         check.peer_box);
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return std::format(
          "the certificate of box '{}' (or of its authority) is not valid yet: are the clocks of both boxes right",
          check.peer_box);
    case X509_V_ERR_CERT_REVOKED:
      return std::format("the certificate of box '{}' is revoked by the list in 'bootstrap.crl'", check.peer_box);
    case X509_V_ERR_UNABLE_TO_GET_CRL:
      return "'bootstrap.crl' here has no list of the authority that issued the peer's certificate: put it there";
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
      return "the revocation list in 'bootstrap.crl' here is out of date: put the authority's newest there";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return "the peer's certificate is not from an authority in 'bootstrap.ca': which one has issued it";
    default:
      return std::format("the peer's certificate is not taken ({})", X509_verify_cert_error_string(check.result));
  }
}

std::string explain_certificate_alert(int alert, const std::string& text) {
  switch (alert) {
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_UNKNOWN_CA:
      return std::format("the peer does not take this box's certificate ({}): its events say why", text);
    case SSL_AD_HANDSHAKE_FAILURE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REQUIRED:
    case SSL_AD_MISSING_EXTENSION:
      return std::format("the peer does not bootstrap by certificates ({}): set 'bootstrap' alike on both boxes", text);
    default:
      return std::format("the peer has ended it ({}): its events say why", text);
  }
}

}  // namespace

TlsReason last_tls_reason() {
  TlsReason reason;
  const char* data = nullptr;
  while (const unsigned long code = ERR_get_error_all(nullptr, nullptr, nullptr, &data, nullptr)) {
    const char* text = ERR_reason_error_string(code);
    reason.number = ERR_GET_REASON(code);
    reason.text = text != nullptr ? text : std::format("error {}", code);
    if (auto said = signer_failure(code, data)) reason.signer = std::move(said);
  }
  return reason;
}

std::string explain(const TlsReason& reason, const TlsExpectations& expected) {
  if (reason.signer) return std::format("this box's own key, in its TPM, does not sign: {}", *reason.signer);
  const auto& keys = expected.keys;
  if (keys && keys->shown && !keys->expected)
    return std::format("the peer's key, with the fingerprint {}, is not trusted now: {}", keys->shown->hex,
                       keys->expected.error().message);
  if (keys && keys->shown && *keys->shown != *keys->expected)
    return std::format(
        "the peer's key has the fingerprint {}, and {} is expected: compare it with the peer's operator before you "
        "change 'bootstrap.trust' or the vouchers; if it is not the peer's, somebody stands between the boxes",
        keys->shown->hex, keys->expected->hex);
  if (expected.certificate && expected.certificate->result != X509_V_OK)
    return explain_certificate(*expected.certificate);
  if (reason.number == SSL_R_BINDER_DOES_NOT_VERIFY) return another_psk;
  // A reason from SSL_AD_REASON_OFFSET on is an alert that the peer has sent.
  if (reason.number < SSL_AD_REASON_OFFSET)
    return std::format(
        "what the other end sends is not this handshake ({}): its version or its 'bootstrap' is another, or somebody "
        "changes the bytes on their way",
        reason.text);
  const int alert = reason.number - SSL_AD_REASON_OFFSET;
  if (keys) return explain_key_alert(alert, reason.text, *keys);
  return expected.certificate ? explain_certificate_alert(alert, reason.text)
                              : explain_psk_alert(alert, reason.text, expected.names);
}

}  // namespace cloister::crypto
