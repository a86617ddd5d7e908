#include "appliance/box/credentials.hpp"

#include <algorithm>
#include <format>

#include "crypto/tpm_file.hpp"

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

}  // namespace

Result<std::shared_ptr<const crypto::Identity>> unseal_identity(crypto::Tpm& tpm, const config::Box& box) {
  if (box.identity.empty()) return nullptr;
  const auto sealed = crypto::unseal_file(tpm, box.identity, "sealed identity", "make it with 'cloisterctl enroll'");
  if (!sealed) return std::unexpected{sealed.error()};
  auto identity = crypto::Identity::from_sealed(*sealed);
  if (!identity) return fail(std::format("sealed identity '{}': {}", box.identity, identity.error().message));
  return std::make_shared<const crypto::Identity>(std::move(*identity));
}

Result<crypto::Credentials> unseal_credentials(crypto::Tpm& tpm,
                                               const std::shared_ptr<const crypto::Identity>& identity,
                                               const config::Bootstrap& bootstrap) {
  crypto::Credentials credentials;
  if (!bootstrap.psk.empty()) {
    auto psk = unseal_psk(tpm, bootstrap.psk);
    if (!psk) return std::unexpected{psk.error()};
    credentials.psk.emplace(std::move(*psk));
  }
  if (!bootstrap.trust.empty()) {
    const crypto::Fingerprint peer{bootstrap.trust};
    if (identity->fingerprint() == peer)
      return fail(
          "'bootstrap.trust' is the fingerprint of this box's own key: set the peer's, which 'cloisterctl "
          "fingerprint' shows there");
    credentials.keys.emplace(crypto::PinnedKeys{identity, peer});
  }
  return credentials;
}

}  // namespace cloister::box
