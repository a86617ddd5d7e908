#include "appliance/cloisterctl/enroll.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <filesystem>
#include <format>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "appliance/cloisterctl/failed.hpp"
#include "appliance/cloisterctl/text_file.hpp"
#include "appliance/cloisterctl/tpm_options.hpp"
#include "config/kinds.hpp"
#include "crypto/certificates.hpp"
#include "crypto/identity.hpp"
#include "crypto/random.hpp"
#include "crypto/tpm_file.hpp"

namespace cloister::cloisterctl {
namespace json = boost::json;
namespace {

struct IdentityOptions {
  TpmOptions tpm;
  std::string identity = "/var/lib/cloister/identity";  // path of the sealed key
  std::string public_key;                               // path of a public key
  std::string key;      // its kind, as --key names it; empty: ML-DSA-65, or that of the existing key
  std::string csr_box;  // name for a certificate request; empty: none is wanted
  bool json = false;    // for programs
  bool force = false;   // replace an existing key
};

Result<crypto::Fingerprint> fingerprint_of_file(const std::string& path) {
  const auto text = crypto::read_text_file(path, crypto::public_key_text_bytes_max);
  if (!text)
    return fail(text.error().message + ": name a public key, as 'cloisterctl enroll' writes it beside the key");
  const auto key = crypto::parse_public_key(*text);
  if (!key) return fail(std::format("'{}' {}", path, key.error().message));
  return crypto::fingerprint_of(key->get());
}

struct KeyName {
  const char* name;
  crypto::KeyKind kind;
};
constexpr std::array key_names{KeyName{"ml-dsa-65", crypto::KeyKind::ml_dsa_65},
                               KeyName{"ecdsa-p256", crypto::KeyKind::ecdsa_p256},
                               KeyName{"ecdsa-p384", crypto::KeyKind::ecdsa_p384}};

const char* name_of(crypto::KeyKind kind) { return std::ranges::find(key_names, kind, &KeyName::kind)->name; }

Result<crypto::KeyKind> kind_named(const std::string& name) {
  const auto* found = std::ranges::find(key_names, name, [](const KeyName& known) { return std::string{known.name}; });
  if (found == key_names.end())
    return fail(std::format("'{}' is no kind of key: expected ml-dsa-65, ecdsa-p256 or ecdsa-p384", name));
  return found->kind;
}

Result<crypto::Identity> fresh_identity(crypto::Tpm& tpm, const IdentityOptions& options, crypto::KeyKind kind) {
  if (kind != crypto::KeyKind::ml_dsa_65) {
    if (auto made = crypto::make_signing_key_file(tpm, options.identity, kind, options.force); !made)
      return std::unexpected{made.error()};
    return crypto::unseal_identity(tpm, options.identity);
  }
  crypto::SystemRandom random;
  auto identity = crypto::Identity::generate(random);
  if (!identity) return identity;
  if (auto sealed = crypto::seal_to_file(tpm, options.identity, identity->expose(), options.force); !sealed)
    return std::unexpected{sealed.error()};
  return identity;
}

/// The key that there is, where it is the kind that is asked for.
Result<crypto::Identity> existing_identity(crypto::Tpm& tpm, const IdentityOptions& options,
                                           std::optional<crypto::KeyKind> asked) {
  auto identity = crypto::unseal_identity(tpm, options.identity);
  if (identity && asked && *asked != identity->kind()) {
    return fail(std::format("'{}' is a key for {}: say --force to replace it by one for {}", options.identity,
                            to_string(identity->kind()), to_string(*asked)));
  }
  return identity;
}

/// The TPM is let go after that: a request that it is to sign opens it anew.
Result<crypto::Identity> obtain_identity(const IdentityOptions& options, bool existing) {
  std::optional<crypto::KeyKind> asked;
  if (!options.key.empty()) {
    const auto kind = kind_named(options.key);
    if (!kind) return std::unexpected{kind.error()};
    asked = *kind;
  }
  auto tpm = options.tpm.open();
  if (!tpm) return std::unexpected{tpm.error()};
  return existing ? existing_identity(*tpm, options, asked)
                  : fresh_identity(*tpm, options, asked.value_or(crypto::KeyKind::ml_dsa_65));
}

/// Makes a key, seals it, writes its public half beside it for the courier, and shows its fingerprint. With `csr_box` a
/// request for a certificate too; of the existing key, where there is one and it is not to be replaced.
Result<> enroll_box(const IdentityOptions& options) {
  const bool request = !options.csr_box.empty();
  if (request && !config::a_name().parse(options.csr_box))
    return fail(std::format("'{}' is not {}", options.csr_box, config::a_name().expected));
  std::error_code unseen;  // whoever may not look gets to know it when the key is read or written
  const bool existing = request && !options.force && std::filesystem::exists(options.identity, unseen);
  const auto identity = obtain_identity(options, existing);
  if (!identity) return std::unexpected{identity.error()};
  const std::string public_key = options.identity + ".pub";
  if (auto written = write_text(public_key, crypto::to_pem(identity->key().get())); !written) return written;
  if (!options.json)
    std::cerr << std::format("{} '{}', its public key is in '{}'\n",
                             identity->kind() == crypto::KeyKind::ml_dsa_65
                                 ? "sealed in"
                                 : "made in the TPM, which it never leaves, kept by",
                             options.identity, public_key);
  const std::string csr = request ? options.identity + ".csr" : std::string{};
  if (request) {
    const auto text = crypto::certificate_request(*identity, options.csr_box);
    if (!text) return std::unexpected{text.error()};
    if (auto written = write_text(csr, *text); !written) return written;
  }
  const auto fingerprint = identity->fingerprint().hex;
  if (options.json) {
    std::cout << json::serialize(json::object{{"identity", options.identity},
                                              {"key", name_of(identity->kind())},
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

/// Of this box's key; of that in the file `public_key` when there is one.
Result<> show_fingerprint(const IdentityOptions& options) {
  Result<crypto::Fingerprint> fingerprint;
  if (!options.public_key.empty()) {
    fingerprint = fingerprint_of_file(options.public_key);
  } else {
    auto tpm = options.tpm.open();
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

}  // namespace

void offer_enroll(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<IdentityOptions>();
  auto* enroll =
      app.add_subcommand("enroll", "Make this box's key for bootstraps, sealed in the TPM; show its fingerprint");
  auto* fingerprint = app.add_subcommand("fingerprint", "Show the fingerprint of this box's key, or of one in a file");
  for (auto* command : {enroll, fingerprint}) {
    options->tpm.offer(command);
    command->add_option("--identity", options->identity, "File of the sealed key, as 'box.identity' names it")
        ->capture_default_str();
    command->add_flag("--json", options->json, "For programs");
  }
  enroll->add_option("--key", options->key,
                     "Kind of key: ml-dsa-65, sealed by the TPM (default); ecdsa-p256 or ecdsa-p384, made in the TPM, "
                     "which it never leaves");
  enroll->add_option("--csr", options->csr_box,
                     "Also write a certificate request for a box of this name, to the key's file with .csr; without "
                     "--force for the key that there is");
  enroll->add_flag("--force", options->force, "Replace an existing key");
  fingerprint->add_option("file", options->public_key,
                          "A public key, as 'enroll' has written it (default: this box's own, from the TPM)");
  invocation.on_with_secrets(enroll, [options] { return ended(enroll_box(*options)); });
  invocation.on_with_secrets(fingerprint, [options] { return ended(show_fingerprint(*options)); });
}

}  // namespace cloister::cloisterctl
