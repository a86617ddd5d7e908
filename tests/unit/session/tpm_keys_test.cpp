// Bootstraps by a key that a TPM (swtpm) keeps and signs with: beside the session, which goes on meanwhile.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "crypto/tpm_file.hpp"
#include "tests/unit/crypto/software_tpm.hpp"
#include "tests/unit/session/session_pair.hpp"

namespace cloister::session {
namespace {
using Catch::Matchers::ContainsSubstring;
using crypto::test::SoftwareTpm;
using test::End;
using test::Pair;
using test::settings_of;

using IdentityPointer = std::shared_ptr<const crypto::Identity>;

IdentityPointer in_tpm(const SoftwareTpm& software) {
  auto tpm = crypto::Tpm::open(software.tcti());
  REQUIRE(tpm);
  const std::string path = software.socket() + "-identity";
  REQUIRE(crypto::make_signing_key_file(*tpm, path, crypto::KeyKind::ecdsa_p256, false));
  auto identity = crypto::unseal_identity(*tpm, path);
  REQUIRE(identity);
  return std::make_shared<const crypto::Identity>(std::move(*identity));
}

IdentityPointer in_memory() {
  cloister::test::SeededRandom random{1};
  auto identity = crypto::Identity::generate(random);
  REQUIRE(identity);
  return std::make_shared<const crypto::Identity>(std::move(*identity));
}

crypto::Credentials pinned(const IdentityPointer& own, const IdentityPointer& peer) {
  crypto::Credentials credentials;
  credentials.pinned.emplace(crypto::PinnedKeys{own, crypto::TrustedKey{.key = peer->fingerprint()}});
  return credentials;
}

/// Not connected yet.
Pair pair_of(const IdentityPointer& alice, const IdentityPointer& bob) {
  Pair pair;
  pair.ends[0] = std::make_unique<End>(settings_of("alice", "bob"), pinned(alice, bob), 1, pair.now);
  pair.ends[1] = std::make_unique<End>(settings_of("bob", "alice"), pinned(bob, alice), 2, pair.now);
  pair.drain(0);
  pair.drain(1);
  return pair;
}

TEST_CASE("A key in the TPM bootstraps, the client's or the server's, and blocks are held", "[session][tpm]") {
  const SoftwareTpm software;
  const auto kept = in_tpm(software);
  const bool clients = GENERATE(true, false);
  auto pair = clients ? pair_of(kept, in_memory()) : pair_of(in_memory(), kept);
  pair.connect();
  pair.settle();
  CHECK(pair.alice().saw("established bootstrap"));
  CHECK(pair.bob().saw("established bootstrap"));
  pair.make_block(1);
  CHECK(pair.alice().saw("held 1 bootstrap"));
  CHECK(pair.bob().saw("held 1 bootstrap"));
}

TEST_CASE("However often the peer connects anew, one step waits for the TPM, and the last connection is served",
          "[session][tpm]") {
  const SoftwareTpm software;
  auto pair = pair_of(in_memory(), in_tpm(software));
  pair.bob().slow = true;
  for (int i = 0; i < 5; ++i) {
    pair.connect();
    pair.settle();
    CHECK(pair.bob().steps.size() == 1);
    CHECK(pair.bob().engine.status().state == "bootstrapping");
    if (i < 4) pair.disconnect();
  }
  pair.bob().slow = false;
  pair.drain(1);
  pair.settle();
  CHECK(pair.alice().established());
  CHECK(pair.bob().established());
}

TEST_CASE("A step that comes back after its connection is lost changes nothing", "[session][tpm]") {
  const SoftwareTpm software;
  auto pair = pair_of(in_memory(), in_tpm(software));
  pair.bob().slow = true;
  pair.connect();
  pair.settle();
  pair.disconnect();
  pair.bob().slow = false;
  pair.drain(1);
  CHECK(pair.bob().engine.status().state == "disconnected");
  CHECK(pair.bob().outgoing.empty());
  CHECK(pair.bob().alarms.empty());
}

TEST_CASE("A refusal that came with the end of the connection is heard, though a step was away", "[session][tpm]") {
  const SoftwareTpm software;
  const auto kept = in_tpm(software);
  const auto other = in_memory();
  auto pair = pair_of(other, kept);
  pair.ends[0] = std::make_unique<End>(settings_of("alice", "bob"), pinned(other, other), 1, pair.now);
  pair.drain(0);
  pair.connect();
  for (int i = 0; i < 10 && !pair.alice().hung_up; ++i) {
    pair.pass(0);
    pair.pass(1);
  }
  REQUIRE(pair.alice().hung_up);
  pair.bob().slow = true;
  pair.pass(0);
  pair.disconnect();
  CHECK(pair.bob().alarms.empty());
  pair.bob().slow = false;
  pair.drain(1);
  CHECK(pair.bob().alarms == std::vector<std::string>{"BOOTSTRAP_REFUSED"});
  CHECK(pair.bob().engine.status().state == "disconnected");
}

TEST_CASE("A TPM that does not sign in time, or not at all, is what the operator is told of", "[session][tpm]") {
  SoftwareTpm software;
  auto pair = pair_of(in_memory(), in_tpm(software));
  const bool late = GENERATE(true, false);
  if (late)
    pair.bob().slow = true;
  else
    software.cut_power();
  pair.connect();
  pair.settle();
  if (late) {
    pair.now += std::chrono::seconds{11};
    pair.bob().engine.on_timer(pair.now);
    pair.drain(1);
  }
  CHECK(pair.bob().alarms == std::vector<std::string>{"BOOTSTRAP_REFUSED"});
  CHECK_THAT(pair.bob().alarm_text, ContainsSubstring("this box's") && ContainsSubstring("TPM"));
}

}  // namespace
}  // namespace cloister::session
