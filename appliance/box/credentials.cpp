#include "appliance/box/credentials.hpp"

#include <algorithm>
#include <format>

#include "appliance/box/tpm_settings.hpp"
#include "appliance/box/vouched.hpp"
#include "crypto/tpm_file.hpp"
#include "crypto/voucher_files.hpp"

namespace cloister::box {
namespace {

Result<crypto::Psk> unseal_psk(crypto::Tpm& tpm, const std::string& path) {
  const auto secret =
      crypto::unseal_file(tpm, path, "sealed PSK", "make it with 'cloisterctl psk generate' or 'psk import'");
  if (!secret) return std::unexpected{secret.error()};
  if (secret->size() != crypto::Psk::size)
    return fail(std::format("sealed PSK '{}' holds {} bytes, expected {}", path, secret->size(), crypto::Psk::size));
  crypto::Psk psk;
  std::ranges::copy(*secret, psk.fill().begin());
  return psk;
}

Result<std::shared_ptr<const crypto::CertificateChain>> read_certificate(const config::Box& box,
                                                                         const crypto::Identity& key) {
  const auto text = crypto::read_text_file(box.certificate, crypto::certificate_text_bytes_max);
  if (!text) return std::unexpected{text.error()};
  auto chain = crypto::CertificateChain::parse(*text);
  if (!chain) return fail(std::format("'{}' {}", box.certificate, chain.error().message));
  if (auto checked = chain->check(key, box.name); !checked)
    return fail(std::format("'{}': {}", box.certificate, checked.error().message));
  return std::make_shared<const crypto::CertificateChain>(std::move(*chain));
}

Result<crypto::Credentials> unseal_credentials(crypto::Tpm& tpm, const OwnIdentity& own, const config::Link& link) {
  const auto& bootstrap = link.bootstrap;
  crypto::Credentials credentials;
  if (!bootstrap.psk.empty()) {
    auto psk = unseal_psk(tpm, bootstrap.psk);
    if (!psk) return std::unexpected{psk.error()};
    credentials.psk.emplace(std::move(*psk));
  }
  if (!bootstrap.trust.empty()) {
    const crypto::Fingerprint peer{bootstrap.trust};
    if (own.key->fingerprint() == peer)
      return fail(
          "'bootstrap.trust' is the fingerprint of this box's own key: set the peer's, which 'cloisterctl "
          "fingerprint' shows there");
    credentials.pinned.emplace(crypto::PinnedKeys{own.key, crypto::TrustedKey{.key = peer}});
  }
  if (!bootstrap.vouched.by.empty()) {
    const auto peer = vouched_key(link);
    if (!peer) return fail(peer.error().why);
    if (own.key->fingerprint() == peer->key())
      return fail("the vouchers are for this box's own key: get those for the peer's");
    // A box whose clock is wrong, or whose sealed reserve spares it the bootstrap, is not kept shut by a date.
    credentials.pinned.emplace(crypto::PinnedKeys{own.key, peer->counting_on(crypto::today())});
  }
  if (!bootstrap.ca.empty()) {
    auto authority = read_authority(bootstrap);
    if (!authority) return std::unexpected{authority.error()};
    credentials.certified.emplace(crypto::CertifiedKeys{own.key, own.certificate, std::move(*authority), link.peer});
  }
  return credentials;
}

}  // namespace

Result<OwnIdentity> open_identity(crypto::Tpm& tpm, const config::Box& box) {
  OwnIdentity own;
  if (box.identity.empty()) return own;
  auto identity = crypto::unseal_identity(tpm, box.identity);
  if (!identity) return std::unexpected{identity.error()};
  own.key = std::make_shared<const crypto::Identity>(std::move(*identity));
  if (box.certificate.empty()) return own;
  auto certificate = read_certificate(box, *own.key);
  if (!certificate) return std::unexpected{certificate.error()};
  own.certificate = std::move(*certificate);
  return own;
}

Result<std::shared_ptr<const crypto::Authority>> read_authority(const config::Bootstrap& bootstrap) {
  const auto certificates = crypto::read_text_file(bootstrap.ca, crypto::certificate_text_bytes_max);
  if (!certificates) return std::unexpected{certificates.error()};
  const auto revocations = crypto::read_text_file(bootstrap.crl, crypto::certificate_text_bytes_max);
  if (!revocations) return std::unexpected{revocations.error()};
  auto authority = crypto::Authority::parse(*certificates, *revocations);
  if (!authority) return fail(std::format("'{}' and '{}': {}", bootstrap.ca, bootstrap.crl, authority.error().message));
  return std::make_shared<const crypto::Authority>(std::move(*authority));
}

Result<OpenedSecrets> open_credentials(const config::Configuration& configuration, const std::set<std::string>& links) {
  OpenedSecrets secrets;
  if (links.empty()) return secrets;
  auto tpm = crypto::Tpm::open(tpm_settings(configuration.tpm));
  if (!tpm) return std::unexpected{tpm.error()};
  const auto identity = open_identity(*tpm, configuration.box);
  if (!identity) return fail(std::format("box '{}': {}", configuration.box.name, identity.error().message));
  secrets.identity = identity->key;
  for (const auto& link : configuration.links) {
    if (!links.contains(link.name)) continue;
    auto opened = unseal_credentials(*tpm, *identity, link);
    if (!opened) return fail(std::format("link '{}': {}", link.name, opened.error().message));
    secrets.links.emplace(link.name, std::move(*opened));
  }
  if (const auto tested = tpm->self_test(); !tested) return std::unexpected{tested.error()};
  return secrets;  // and the TPM is let go: one without a resource manager serves one at a time
}

}  // namespace cloister::box
