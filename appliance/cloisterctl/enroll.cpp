#include "appliance/cloisterctl/enroll.hpp"

#include <boost/json.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <format>
#include <fstream>
#include <iostream>

#include "config/kinds.hpp"
#include "crypto/certificates.hpp"
#include "crypto/identity.hpp"
#include "crypto/random.hpp"
#include "crypto/tpm_file.hpp"

namespace cloister::cloisterctl {
namespace json = boost::json;
namespace {

Result<> write_text(const std::string& path, const std::string& text) {
  std::ofstream file{path, std::ios::trunc};
  file << text << std::flush;
  if (!file) return fail(std::format("'{}' cannot be written: {}", path, std::strerror(errno)));
  return {};
}

Result<crypto::Fingerprint> fingerprint_of_file(const std::string& path) {
  const auto text = crypto::read_text_file(path, crypto::public_key_text_bytes_max);
  if (!text) return std::unexpected{text.error()};
  const auto key = crypto::parse_public_key(*text);
  if (!key) return fail(std::format("'{}' {}", path, key.error().message));
  return crypto::fingerprint_of(key->get());
}

Result<crypto::Identity> fresh_identity(crypto::Tpm& tpm, const IdentityOptions& options) {
  crypto::SystemRandom random;
  auto identity = crypto::Identity::generate(random);
  if (!identity) return identity;
  if (auto sealed = crypto::seal_to_file(tpm, options.identity, identity->expose(), options.force); !sealed)
    return std::unexpected{sealed.error()};
  return identity;
}

}  // namespace

Result<> enroll(const IdentityOptions& options) {
  const bool request = !options.csr_box.empty();
  if (request && !config::a_name().parse(options.csr_box))
    return fail(std::format("'{}' is not {}", options.csr_box, config::a_name().expected));
  auto tpm = crypto::Tpm::open(options.tpm);
  if (!tpm) return std::unexpected{tpm.error()};
  const bool existing = request && !options.force && std::filesystem::exists(options.identity);
  const auto identity = existing ? crypto::unseal_identity(*tpm, options.identity) : fresh_identity(*tpm, options);
  if (!identity) return std::unexpected{identity.error()};
  const std::string public_key = options.identity + ".pub";
  if (auto written = write_text(public_key, crypto::to_pem(identity->key().get())); !written) return written;
  if (!options.json)
    std::cerr << std::format("sealed in '{}', its public key is in '{}'\n", options.identity, public_key);
  const std::string csr = request ? options.identity + ".csr" : std::string{};
  if (request) {
    if (auto written = write_text(csr, crypto::certificate_request(*identity, options.csr_box)); !written)
      return written;
  }
  const auto fingerprint = identity->fingerprint().hex;
  if (options.json) {
    std::cout << json::serialize(json::object{{"identity", options.identity},
                                              {"public_key", public_key},
                                              {"request", request ? json::value(csr) : json::value{}},
                                              {"fingerprint", fingerprint}})
              << '\n';
    return {};
  }
  if (request) {
    std::cerr << std::format(
        "the request for the certificate authority is in '{}'; its answer is 'box.certificate'; fingerprint:\n", csr);
  } else {
    std::cerr
        << "the peer's operator sets this fingerprint as 'bootstrap.trust' of the link, once you have compared it "
           "by a way that nobody can have changed:\n";
  }
  std::cout << fingerprint << '\n';
  return {};
}

Result<> show_fingerprint(const IdentityOptions& options) {
  Result<crypto::Fingerprint> fingerprint;
  if (!options.public_key.empty()) {
    fingerprint = fingerprint_of_file(options.public_key);
  } else {
    auto tpm = crypto::Tpm::open(options.tpm);
    if (!tpm) return std::unexpected{tpm.error()};
    fingerprint =
        crypto::unseal_identity(*tpm, options.identity).transform([](const auto& own) { return own.fingerprint(); });
  }
  if (!fingerprint) return std::unexpected{fingerprint.error()};
  if (options.json)
    std::cout << json::serialize(json::object{{"fingerprint", fingerprint->hex}}) << '\n';
  else
    std::cout << fingerprint->hex << '\n';
  return {};
}

}  // namespace cloister::cloisterctl
