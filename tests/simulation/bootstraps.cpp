#include "tests/simulation/bootstraps.hpp"

#include <algorithm>
#include <map>

#include "tests/seeded_random.hpp"
#include "tests/simulation/seeded_openssl.hpp"
#include "tests/unit/crypto/small_ca.hpp"

namespace cloister::simulation {
namespace {

constexpr std::time_t first_of_2026 = 1'767'225'600;
constexpr crypto::test::Validity a_century{.from = 0, .to = 36'500 * crypto::test::day};

/// A box's key, and its certificate from the one authority.
struct Keys {
  std::shared_ptr<const crypto::Identity> identity;
  std::shared_ptr<const crypto::CertificateChain> certificate;
};

template <class T>
std::shared_ptr<const T> share(Result<T> made) {
  require(made.has_value(), "the simulation's keys cannot be made");
  return std::make_shared<const T>(std::move(*made));
}

/// The same in every process. Made once: to make them takes longer than a run.
struct KeyMaterial {
  crypto::test::SmallCa ca{first_of_2026, a_century};
  std::shared_ptr<const crypto::Authority> authority =
      share(crypto::Authority::parse(ca.root(), ca.revocations({}, a_century)));
  std::map<std::string, Keys> of;

  KeyMaterial() {
    long serial = 10;
    for (const std::string box : {"alice", "bob", "carol"}) {
      test::SeededRandom random{static_cast<std::uint64_t>(++serial)};
      Keys& keys = of[box];
      keys.identity = share(crypto::Identity::generate(random));
      keys.certificate = share(crypto::CertificateChain::parse(ca.issue(*keys.identity, box, serial, a_century)));
    }
  }
};

const KeyMaterial& material() {
  static const KeyMaterial made = [] {
    const SeededOpenssl repeatable{1};
    return KeyMaterial{};
  }();
  return made;
}

/// Each link has its own.
crypto::Psk psk_of(const std::string& one_box, const std::string& other_box) {
  crypto::Psk psk;
  std::ranges::fill(psk.fill(), static_cast<std::byte>(one_box.front() + other_box.front()));
  return psk;
}

}  // namespace

std::string_view name_of(Bootstrap kind) {
  switch (kind) {
    case Bootstrap::toy:
      return "toy";
    case Bootstrap::psk:
      return "psk";
    case Bootstrap::pinned_keys:
      return "pinned-keys";
    case Bootstrap::certificates:
      return "certificates";
    case Bootstrap::pinned_keys_and_psk:
      return "pinned-keys+psk";
    case Bootstrap::certificates_and_psk:
      return "certificates+psk";
    case Bootstrap::end:
      break;
  }
  return "";
}

Bootstrap draw_bootstrap(VirtualWorld& world, Speed speed) {
  constexpr auto kinds = static_cast<std::uint64_t>(Bootstrap::end) - 1;
  const auto kind = static_cast<Bootstrap>(1 + world.below(kinds));
  return speed == Speed::chain || world.below(store_runs_a_tls) == 0 ? kind : Bootstrap::toy;
}

crypto::Credentials credentials_of(Bootstrap kind, const std::string& own_box, const std::string& peer_box) {
  crypto::Credentials credentials;
  if (kind != Bootstrap::pinned_keys && kind != Bootstrap::certificates)
    credentials.psk.emplace(psk_of(own_box, peer_box));
  if (kind == Bootstrap::pinned_keys || kind == Bootstrap::pinned_keys_and_psk)
    credentials.pinned.emplace(
        crypto::PinnedKeys{.own = material().of.at(own_box).identity,
                           .peer = crypto::TrustedKey{.key = material().of.at(peer_box).identity->fingerprint()}});
  if (kind == Bootstrap::certificates || kind == Bootstrap::certificates_and_psk)
    credentials.certified.emplace(crypto::CertifiedKeys{.own = material().of.at(own_box).identity,
                                                        .certificate = material().of.at(own_box).certificate,
                                                        .authority = material().authority,
                                                        .peer_box = peer_box});
  return credentials;
}

std::vector<std::byte> authority_secret() { return material().ca.secret(); }

}  // namespace cloister::simulation
