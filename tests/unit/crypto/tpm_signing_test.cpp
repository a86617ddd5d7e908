// Keys that a TPM makes and keeps (swtpm): what they sign, when they do not, and TLS by them.
#include "crypto/tpm_signing.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "crypto/identity.hpp"
#include "crypto/tls_handshake.hpp"
#include "crypto/tpm.hpp"
#include "crypto/tpm_file.hpp"
#include "tests/seeded_random.hpp"
#include "tests/unit/crypto/small_ca.hpp"
#include "tests/unit/crypto/software_tpm.hpp"

namespace cloister::crypto {
namespace {
using Bytes = std::vector<std::byte>;
using Catch::Matchers::ContainsSubstring;
using test::ListeningBus;
using test::SoftwareTpm;

constexpr std::array kinds{KeyKind::ecdsa_p256, KeyKind::ecdsa_p384};

Tpm opened(const std::string& tcti) {
  auto tpm = Tpm::open(tcti);
  REQUIRE(tpm);
  return std::move(*tpm);
}

/// A box's key in its TPM, by its file, as `cloisterctl enroll --key` makes it.
std::shared_ptr<const Identity> identity_in(const SoftwareTpm& software, KeyKind kind) {
  auto tpm = opened(software.tcti());
  const std::string path = software.socket() + "-identity";
  REQUIRE(make_signing_key_file(tpm, path, kind, true));
  auto identity = unseal_identity(tpm, path);
  REQUIRE(identity);
  CHECK(identity->kind() == kind);
  return std::make_shared<const Identity>(std::move(*identity));
}

std::shared_ptr<const Identity> ml_dsa() {
  cloister::test::SeededRandom random{1};
  auto identity = Identity::generate(random);
  REQUIRE(identity);
  return std::make_shared<const Identity>(std::move(*identity));
}

/// By OpenSSL's own functions, with the public half alone.
bool verifies(const Identity& identity, std::string_view message, const Bytes& signature) {
  const auto key = parse_public_key(to_pem(identity.key().get()));
  REQUIRE(key);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  const bool good =
      EVP_DigestVerifyInit_ex(context, nullptr, identity.kind() == KeyKind::ecdsa_p256 ? "SHA256" : "SHA384", nullptr,
                              nullptr, key->get(), nullptr) == 1 &&
      EVP_DigestVerify(context, reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                       reinterpret_cast<const unsigned char*>(message.data()), message.size()) == 1;
  EVP_MD_CTX_free(context);
  return good;
}

Bytes digest_of(KeyKind kind, std::string_view message) {
  Bytes digest(kind == KeyKind::ecdsa_p256 ? 32 : 48);
  std::size_t length = 0;
  REQUIRE(EVP_Q_digest(nullptr, kind == KeyKind::ecdsa_p256 ? "SHA256" : "SHA384", nullptr, message.data(),
                       message.size(), reinterpret_cast<unsigned char*>(digest.data()), &length) == 1);
  return digest;
}

struct Outcome {
  std::string client_error;
  std::string server_error;
  bool agreed = false;
};

Outcome run(TlsHandshake client, TlsHandshake server) {
  const auto step = [](TlsHandshake& end, Bytes received, std::string& error) {
    if (end.done()) {
      if (!received.empty()) error = end.late_refusal(received).value_or("");
      return Bytes{};
    }
    const auto answer = end.advance(received);
    if (answer) return *answer;
    error = answer.error().message;
    return end.take_alert();
  };
  Outcome outcome;
  Bytes flight = step(client, {}, outcome.client_error);
  for (int round = 0; round < 3 && !flight.empty(); ++round) {
    flight = step(server, std::move(flight), outcome.server_error);
    if (flight.empty()) break;
    flight = step(client, std::move(flight), outcome.client_error);
  }
  if (client.done() && server.done() && outcome.server_error.empty()) {
    const auto ours = client.take_secret();
    const auto theirs = server.take_secret();
    outcome.agreed = ours && theirs && std::ranges::equal(ours->expose(), theirs->expose());
  }
  return outcome;
}

TlsHandshake pinned(TlsRole role, const std::shared_ptr<const Identity>& own, const Fingerprint& peer) {
  Credentials credentials;
  credentials.pinned.emplace(PinnedKeys{own, TrustedKey{.key = peer}});
  return {role, credentials, "a to b", Bytes(3, std::byte{7})};
}

TEST_CASE("A key in the TPM signs what OpenSSL verifies; its blob is for this TPM, and one generation", "[tpm]") {
  const SoftwareTpm ours;
  const SoftwareTpm other;
  for (const auto kind : kinds) {
    INFO(to_string(kind));
    const auto identity = identity_in(ours, kind);
    auto tpm = opened(ours.tcti());
    const auto blob = tpm.make_signing_key(kind);
    REQUIRE(blob);
    const auto face = face_of_signing_key(*blob);
    REQUIRE(face);
    const auto known = Identity::kept_elsewhere(face->kind, face->point, {});
    REQUIRE(known);
    CHECK(known->fingerprint() != identity->fingerprint());
    const auto signature = tpm.sign(*blob, digest_of(kind, "message"));
    REQUIRE(signature);
    CHECK(verifies(*known, "message", *signature));
    CHECK_FALSE(verifies(*known, "massage", *signature));
    CHECK_FALSE(verifies(*identity, "message", *signature));
    CHECK_FALSE(tpm.sign(*blob, Bytes(20)));
    CHECK_FALSE(tpm.unseal(*blob));

    auto foreign = opened(other.tcti());
    const auto refused = foreign.try_signing_key(*blob);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().for_good);
    CHECK_THAT(refused.error().message, ContainsSubstring("another TPM"));

    REQUIRE(tpm.end_generation());
    const auto ended = tpm.sign(*blob, digest_of(kind, "message"));
    REQUIRE_FALSE(ended);
    CHECK_THAT(ended.error().message, ContainsSubstring("zeroized"));
  }
}

TEST_CASE("A sealed secret is no signing key, nor is what is cut off", "[tpm]") {
  const SoftwareTpm software;
  auto tpm = opened(software.tcti());
  const auto sealed = tpm.seal(Bytes(32, std::byte{5}));
  REQUIRE(sealed);
  CHECK_FALSE(face_of_signing_key(*sealed));
  CHECK_FALSE(tpm.sign(*sealed, Bytes(32)));
  const auto blob = tpm.make_signing_key(KeyKind::ecdsa_p256);
  REQUIRE(blob);
  CHECK_FALSE(face_of_signing_key(std::span{*blob}.first(blob->size() - 1)));
  CHECK_FALSE(tpm.make_signing_key(KeyKind::ml_dsa_65));
  CHECK_FALSE(Identity::kept_elsewhere(KeyKind::ecdsa_p384, face_of_signing_key(*blob)->point, {}));
}

TEST_CASE("An answer that is changed on the bus gives no signature, or a good one", "[tpm]") {
  const SoftwareTpm software;
  Bytes blob;
  {
    auto tpm = opened(software.tcti());
    const auto made = tpm.make_signing_key(KeyKind::ecdsa_p256);
    REQUIRE(made);
    blob = *made;
  }
  const auto face = face_of_signing_key(blob);
  REQUIRE(face);
  const auto identity = Identity::kept_elsewhere(face->kind, face->point, {});
  REQUIRE(identity);
  const auto digest = digest_of(face->kind, "message");
  int answers = 0;
  {
    ListeningBus bus{software};
    REQUIRE(opened(bus.tcti()).sign(blob, digest));
    answers = bus.answers_heard();
  }
  int refused = 0;
  for (int changed = 0; changed < answers; ++changed) {
    ListeningBus bus{software};
    bus.change_answer(changed);
    auto tpm = Tpm::open(bus.tcti());
    const auto signature = tpm ? tpm->sign(blob, digest) : fail("no TPM");
    if (signature) CHECK(verifies(*identity, "message", *signature));
    refused += signature ? 0 : 1;
  }
  INFO(refused << " of " << answers);
  CHECK(refused > answers / 2);
}

TEST_CASE("Two boxes bootstrap by keys of which one is, or both are, in a TPM", "[tpm]") {
  const SoftwareTpm one;
  const SoftwareTpm two;
  const auto p256 = identity_in(one, KeyKind::ecdsa_p256);
  const auto p384 = identity_in(two, KeyKind::ecdsa_p384);
  const auto sealed = ml_dsa();
  for (const auto& [client, server] : {std::pair{p256, sealed}, {sealed, p256}, {p256, p384}, {p384, p256}}) {
    INFO(to_string(client->kind()) << " to " << to_string(server->kind()));
    const auto outcome = run(pinned(TlsRole::client, client, server->fingerprint()),
                             pinned(TlsRole::server, server, client->fingerprint()));
    CHECK(outcome.client_error + outcome.server_error == "");
    CHECK(outcome.agreed);
    const auto wrong = run(pinned(TlsRole::client, client, server->fingerprint()),
                           pinned(TlsRole::server, server, server->fingerprint()));
    CHECK_FALSE(wrong.agreed);
    CHECK_THAT(wrong.server_error, ContainsSubstring("compare it with the peer's operator"));
  }
}

TEST_CASE("An authority's certificate for a key in the TPM bootstraps; the request for it is signed by it", "[tpm]") {
  const SoftwareTpm software;
  const test::SmallCa authority;
  const auto other = ml_dsa();
  const auto credentials = [&](const std::shared_ptr<const Identity>& own, const std::string& box,
                               const std::string& peer) {
    auto chain = CertificateChain::parse(authority.issue(*own, box, 7));
    REQUIRE(chain);
    CHECK(chain->check(*own, box));
    auto trusted = Authority::parse(authority.root(), authority.revocations());
    REQUIRE(trusted);
    Credentials made;
    made.certified.emplace(CertifiedKeys{own, std::make_shared<const CertificateChain>(std::move(*chain)),
                                         std::make_shared<const Authority>(std::move(*trusted)), peer});
    return made;
  };
  for (const auto kind : kinds) {
    INFO(to_string(kind));
    const auto own = identity_in(software, kind);
    const auto request = certificate_request(*own, "paris");
    REQUIRE(request);
    BIO* in = BIO_new_mem_buf(request->data(), static_cast<int>(request->size()));
    X509_REQ* read = PEM_read_bio_X509_REQ(in, nullptr, nullptr, nullptr);
    REQUIRE(read != nullptr);
    CHECK(X509_REQ_verify(read, X509_REQ_get0_pubkey(read)) == 1);
    CHECK(fingerprint_of(X509_REQ_get0_pubkey(read)) == own->fingerprint());
    X509_REQ_free(read);
    BIO_free(in);
    const auto outcome = run({TlsRole::client, credentials(own, "paris", "geneva"), "a to b", {}},
                             {TlsRole::server, credentials(other, "geneva", "paris"), "a to b", {}});
    CHECK(outcome.client_error + outcome.server_error == "");
    CHECK(outcome.agreed);
  }
}

TEST_CASE("A TPM that is gone when it should sign is named, in a handshake and for a request", "[tpm]") {
  SoftwareTpm software;
  const auto own = identity_in(software, KeyKind::ecdsa_p256);
  const auto peer = ml_dsa();
  software.cut_power();
  const auto request = certificate_request(*own, "paris");
  REQUIRE_FALSE(request);
  CHECK_THAT(request.error().message, ContainsSubstring(software.tcti()) && ContainsSubstring("cannot be reached"));
  const auto outcome =
      run(pinned(TlsRole::client, peer, own->fingerprint()), pinned(TlsRole::server, own, peer->fingerprint()));
  CHECK_FALSE(outcome.agreed);
  CHECK_THAT(outcome.server_error,
             ContainsSubstring("in its TPM, does not sign") && ContainsSubstring(software.tcti()));
}

}  // namespace
}  // namespace cloister::crypto
