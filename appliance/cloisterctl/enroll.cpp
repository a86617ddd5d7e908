#include "appliance/cloisterctl/enroll.hpp"

#include <cerrno>
#include <cstring>
#include <format>
#include <fstream>
#include <iostream>
#include <iterator>

#include "crypto/identity.hpp"
#include "crypto/random.hpp"
#include "crypto/tpm_file.hpp"

namespace cloister::cloisterctl {
namespace {

Result<> write_public_key(const std::string& path, const crypto::Identity& identity) {
  std::ofstream file{path, std::ios::trunc};
  file << crypto::to_pem(identity.key().get()) << std::flush;
  if (!file) return fail(std::format("'{}' cannot be written: {}", path, std::strerror(errno)));
  return {};
}

Result<crypto::Fingerprint> fingerprint_of_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) return fail(std::format("'{}' cannot be read: {}", path, std::strerror(errno)));
  std::string text(crypto::public_key_text_bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  const auto key = crypto::parse_public_key(text);
  if (!key) return fail(std::format("'{}' {}", path, key.error().message));
  return crypto::fingerprint_of(key->get());
}

Result<crypto::Fingerprint> own_fingerprint(const IdentityOptions& options) {
  auto tpm = crypto::Tpm::open(options.tcti);
  if (!tpm) return std::unexpected{tpm.error()};
  const auto sealed =
      crypto::unseal_file(*tpm, options.identity, "sealed identity", "make it with 'cloisterctl enroll'");
  if (!sealed) return std::unexpected{sealed.error()};
  const auto identity = crypto::Identity::from_sealed(*sealed);
  if (!identity) return fail(std::format("'{}': {}", options.identity, identity.error().message));
  return identity->fingerprint();
}

}  // namespace

Result<> enroll(const IdentityOptions& options) {
  auto tpm = crypto::Tpm::open(options.tcti);
  if (!tpm) return std::unexpected{tpm.error()};
  crypto::SystemRandom random;
  const auto identity = crypto::Identity::generate(random);
  if (!identity) return std::unexpected{identity.error()};
  if (auto sealed = crypto::seal_to_file(*tpm, options.identity, identity->expose(), options.force); !sealed)
    return sealed;
  const std::string public_key = options.identity + ".pub";
  if (auto written = write_public_key(public_key, *identity); !written) return written;
  std::cerr << std::format(
      "sealed in '{}', its public key is in '{}'; the peer's operator sets this fingerprint as 'bootstrap.trust' of the "
      "link, once you have compared it by a way that nobody can have changed:\n",
      options.identity, public_key);
  std::cout << identity->fingerprint().hex << '\n';
  return {};
}

Result<> show_fingerprint(const IdentityOptions& options) {
  const auto fingerprint =
      options.public_key.empty() ? own_fingerprint(options) : fingerprint_of_file(options.public_key);
  if (!fingerprint) return std::unexpected{fingerprint.error()};
  std::cout << fingerprint->hex << '\n';
  return {};
}

}  // namespace cloister::cloisterctl
