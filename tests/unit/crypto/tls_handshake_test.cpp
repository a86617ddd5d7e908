#include "crypto/tls_handshake.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <map>
#include <random>

#include "tests/seeded_random.hpp"
#include "tests/unit/crypto/small_ca.hpp"

namespace cloister::crypto {
namespace {

using Bytes = std::vector<std::byte>;
using Catch::Matchers::ContainsSubstring;

Psk psk_of(int value) {
  Psk psk;
  std::ranges::fill(psk.fill(), static_cast<std::byte>(value));
  return psk;
}

Bytes context_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span{text});
  return {bytes.begin(), bytes.end()};
}

struct Outcome {
  std::string client_error;
  std::string server_error;
  bool agreed = false;
};

/// Runs both ends to the end; `change` may change each flight on its way.
template <class Change>
Outcome run(TlsHandshake client, TlsHandshake server, Change change) {
  Outcome outcome;
  Bytes to_server;
  Bytes to_client;
  auto first = client.advance({});
  if (first) to_server = *first;
  for (int round = 0; round < 6 && outcome.client_error.empty() && outcome.server_error.empty(); ++round) {
    change(to_server);
    if (!server.done() && !to_server.empty()) {
      const auto answer = server.advance(std::exchange(to_server, {}));
      if (answer)
        to_client = *answer;
      else {
        outcome.server_error = answer.error().message;
        to_client = server.take_alert();
      }
    }
    change(to_client);
    if (client.done() && !to_client.empty()) {
      outcome.client_error = client.late_refusal(std::exchange(to_client, {})).value_or("");
    } else if (!to_client.empty()) {
      const auto answer = client.advance(std::exchange(to_client, {}));
      if (answer)
        to_server = *answer;
      else
        outcome.client_error = answer.error().message;
    }
  }
  if (client.done() && server.done()) {
    const auto ours = client.take_secret();
    const auto theirs = server.take_secret();
    outcome.agreed = ours && theirs && std::ranges::equal(ours->expose(), theirs->expose());
  }
  return outcome;
}

constexpr auto unchanged = [](Bytes&) {};

TlsHandshake client(int psk, std::string names = "a to b", std::string_view context = "c") {
  return {TlsRole::client, Credentials::by_psk(psk_of(psk)), std::move(names), context_of(context)};
}
TlsHandshake server(int psk, std::string names = "a to b", std::string_view context = "c") {
  return {TlsRole::server, Credentials::by_psk(psk_of(psk)), std::move(names), context_of(context)};
}

const std::shared_ptr<const Identity>& identity_of(int number) {
  static std::map<int, std::shared_ptr<const Identity>> known;
  auto& identity = known[number];
  if (!identity) {
    cloister::test::SeededRandom random{static_cast<std::uint64_t>(number)};
    auto made = Identity::generate(random);
    REQUIRE(made);
    identity = std::make_shared<const Identity>(std::move(*made));
  }
  return identity;
}

const std::string& fingerprint_of(int number) { return identity_of(number)->fingerprint().hex; }

/// A box with key `own` that trusts the key `peer`; with a PSK besides when `psk` is not 0.
TlsHandshake keyed(TlsRole role, int own, int peer, int psk = 0, std::string_view context = "c") {
  Credentials credentials;
  credentials.pinned.emplace(PinnedKeys{identity_of(own), TrustedKey{.key = identity_of(peer)->fingerprint()}});
  if (psk != 0) credentials.psk.emplace(psk_of(psk));
  return {role, credentials, "a to b", context_of(context)};
}
TlsHandshake keyed_client(int own, int peer, int psk = 0) { return keyed(TlsRole::client, own, peer, psk); }
TlsHandshake keyed_server(int own, int peer, int psk = 0) { return keyed(TlsRole::server, own, peer, psk); }

TEST_CASE("two boxes with one PSK export the same secret") { CHECK(run(client(7), server(7), unchanged).agreed); }

TEST_CASE("another PSK is refused, and both ends say that it is the PSK") {
  const auto outcome = run(client(7), server(8), unchanged);
  CHECK_FALSE(outcome.agreed);
  CHECK_THAT(outcome.server_error, ContainsSubstring("do not hold the same PSK"));
  CHECK_THAT(outcome.client_error, ContainsSubstring("do not hold the same PSK"));
}

TEST_CASE("another identity is refused, and both ends say that it is the names") {
  const auto outcome = run(client(7, "b to a"), server(7, "a to b"), unchanged);
  CHECK_FALSE(outcome.agreed);
  CHECK_THAT(outcome.server_error, ContainsSubstring("'a to b'"));
  CHECK_THAT(outcome.client_error, ContainsSubstring("other names than 'b to a'"));
  CHECK_THAT(outcome.server_error + outcome.client_error, !ContainsSubstring("PSK"));
}

TEST_CASE("bytes that are no handshake are not taken for another PSK") {
  const auto garbage = server(7).advance(Bytes(100, std::byte{0x16}));
  REQUIRE_FALSE(garbage);
  CHECK_THAT(garbage.error().message, ContainsSubstring("is not this handshake") && !ContainsSubstring("PSK"));
}

TEST_CASE("an alert of the peer is called that, with its name") {
  for (const auto& [alert, expected] :
       {std::pair{80, "the peer has ended it (tlsv1 alert internal error)"},
        std::pair{40, "the peer expects other names"}, std::pair{51, "the peer refuses the proof of the PSK"}}) {
    auto one = client(7);
    REQUIRE(one.advance({}));
    // An alert record (RFC 8446, 5.1 and 6): fatal, in clear, as before a key is agreed.
    const Bytes record{std::byte{21},
                       std::byte{3},
                       std::byte{3},
                       std::byte{0},
                       std::byte{2},
                       std::byte{2},
                       static_cast<std::byte>(alert)};
    const auto answer = one.advance(record);
    REQUIRE_FALSE(answer);
    CHECK_THAT(answer.error().message, ContainsSubstring(expected));
  }
}

TEST_CASE("another exporter context gives another secret") {
  CHECK_FALSE(run(client(7, "a", "one"), server(7, "a", "two"), unchanged).agreed);
}

TEST_CASE("a reflected flight is refused") {
  auto one = client(7);
  const auto flight = one.advance({});
  REQUIRE(flight);
  CHECK_FALSE(one.advance(*flight));
  CHECK_FALSE(one.done());
}

TEST_CASE("a handshake with a byte changed behind the record headers does not end in agreement") {
  std::mt19937_64 random{1};
  for (int trial = 0; trial < 60; ++trial) {
    int countdown = static_cast<int>(random() % 2);
    bool changed = false;
    const auto outcome = run(client(7), server(7), [&](Bytes& flight) {
      if (flight.empty() || changed || countdown-- > 0) return;
      // The first record's body: its header's version field, and the empty records of the middlebox compatibility mode,
      // are not authenticated (RFC 8446, 5.1 and appendix D.4).
      const std::size_t body = 256 * std::to_integer<std::size_t>(flight[3]) + std::to_integer<std::size_t>(flight[4]);
      flight[5 + random() % body] ^= std::byte{0x40};
      changed = true;
    });
    CAPTURE(trial, outcome.client_error, outcome.server_error);
    CHECK(changed);
    CHECK_FALSE(outcome.agreed);
  }
}

TEST_CASE("two boxes that know each other's fingerprint export the same secret") {
  CHECK(run(keyed_client(1, 2), keyed_server(2, 1), unchanged).agreed);
}

TEST_CASE("a server with another key is refused; the client shows both fingerprints, the server its own") {
  const auto outcome = run(keyed_client(1, 2), keyed_server(3, 1), unchanged);
  CHECK_FALSE(outcome.agreed);
  CHECK_THAT(outcome.client_error,
             ContainsSubstring("has the fingerprint " + fingerprint_of(3)) && ContainsSubstring(fingerprint_of(2)));
}

TEST_CASE("a client with another key is refused; the server shows both fingerprints, the client its own") {
  const auto outcome = run(keyed_client(3, 2), keyed_server(2, 1), unchanged);
  CHECK_FALSE(outcome.agreed);
  CHECK_THAT(outcome.server_error,
             ContainsSubstring("has the fingerprint " + fingerprint_of(3)) && ContainsSubstring(fingerprint_of(1)));
  CHECK_THAT(outcome.client_error,
             ContainsSubstring("does not trust this box's key") && ContainsSubstring(fingerprint_of(3)));
}

TEST_CASE("the own key, shown back, is refused") {
  CHECK_FALSE(run(keyed_client(1, 2), keyed_server(1, 1), unchanged).agreed);
  CHECK_FALSE(run(keyed_client(2, 2), keyed_server(2, 1), unchanged).agreed);
  auto one = keyed_client(1, 2);
  const auto flight = one.advance({});
  REQUIRE(flight);
  CHECK_FALSE(one.advance(*flight));
}

TEST_CASE("a box that bootstraps by PSK and one that bootstraps by keys do not agree, and neither speaks of the PSK") {
  for (const auto& outcome :
       {run(client(7), keyed_server(2, 1), unchanged), run(keyed_client(1, 2), server(7), unchanged)}) {
    CAPTURE(outcome.client_error, outcome.server_error);
    CHECK_FALSE(outcome.agreed);
    CHECK_FALSE(outcome.client_error.empty());
    CHECK_FALSE(outcome.server_error.empty());
    CHECK_THAT(outcome.client_error + outcome.server_error, !ContainsSubstring("do not hold the same PSK"));
  }
}

TEST_CASE("where keys and PSK are configured, both must hold") {
  CHECK(run(keyed_client(1, 2, 7), keyed_server(2, 1, 7), unchanged).agreed);
  CHECK_FALSE(run(keyed_client(1, 2, 7), keyed_server(2, 1, 8), unchanged).agreed);
  CHECK_FALSE(run(keyed_client(1, 2, 7), keyed_server(2, 1), unchanged).agreed);
  CHECK_FALSE(run(keyed_client(1, 2), keyed_server(2, 1, 7), unchanged).agreed);
  CHECK_FALSE(run(keyed_client(3, 2, 7), keyed_server(2, 1, 7), unchanged).agreed);
}

TEST_CASE("by keys, too, another exporter context gives another secret") {
  CHECK_FALSE(run(keyed(TlsRole::client, 1, 2, 0, "one"), keyed(TlsRole::server, 2, 1, 0, "two"), unchanged).agreed);
}

TEST_CASE("a handshake by keys with a byte changed behind the record headers does not end in agreement") {
  std::mt19937_64 random{1};
  for (int trial = 0; trial < 60; ++trial) {
    int countdown = static_cast<int>(random() % 3);
    bool changed = false;
    const auto outcome = run(keyed_client(1, 2), keyed_server(2, 1), [&](Bytes& flight) {
      if (flight.empty() || changed || countdown-- > 0) return;
      // The last record's body; the header's version field of the first is not authenticated (RFC 8446, 5.1).
      const std::size_t last_bytes = 16;
      flight[flight.size() - 1 - random() % last_bytes] ^= std::byte{0x40};
      changed = true;
    });
    CAPTURE(trial, outcome.client_error, outcome.server_error);
    CHECK(changed);
    CHECK_FALSE(outcome.agreed);
  }
}

TEST_CASE("what follows a handshake is a refusal only when its server has made it") {
  auto one = keyed_client(1, 2);
  auto other = keyed_server(2, 1);
  CHECK_FALSE(one.late_refusal(Bytes(7)));  // before the end
  const auto hello = one.advance({});
  const auto answer = other.advance(*hello);
  REQUIRE(one.advance(*answer));
  REQUIRE(one.done());
  // bad_certificate in clear (RFC 8446, 6.2), as anybody could send it.
  const Bytes forged{std::byte{21}, std::byte{3}, std::byte{3}, std::byte{0},
                     std::byte{2},  std::byte{2}, std::byte{42}};
  CHECK_FALSE(one.late_refusal(forged));
}

/// Box a has key 1, b has 2; each with a certificate of the CA, or what a test puts in its place.
struct Certified {
  test::SmallCa ca;
  test::SmallCa other_ca;
  std::string a = ca.issue(*identity_of(1), "a", 11);
  std::string b = ca.issue(*identity_of(2), "b", 12);
  std::string root = ca.root();
  std::string revocations = ca.revocations();
  int psk_a = 0, psk_b = 0;

  [[nodiscard]] TlsHandshake end(TlsRole role, int own, const std::string& certificate, const std::string& peer,
                                 int psk) const {
    auto chain = CertificateChain::parse(certificate);
    auto authority = Authority::parse(root, revocations);
    REQUIRE(chain);
    REQUIRE(authority);
    Credentials credentials;
    credentials.certified.emplace(CertifiedKeys{identity_of(own),
                                                std::make_shared<const CertificateChain>(std::move(*chain)),
                                                std::make_shared<const Authority>(std::move(*authority)), peer});
    if (psk != 0) credentials.psk.emplace(psk_of(psk));
    return {role, credentials, "a to b", context_of("c")};
  }
  [[nodiscard]] Outcome meet() const {
    return run(end(TlsRole::client, 1, a, "b", psk_a), end(TlsRole::server, 2, b, "a", psk_b), unchanged);
  }
};

TEST_CASE("two boxes with certificates of one authority export the same secret, and another PSK besides another one") {
  Certified boxes;
  CHECK(boxes.meet().agreed);
  boxes.psk_a = boxes.psk_b = 7;
  CHECK(boxes.meet().agreed);
  boxes.psk_b = 8;
  CHECK_FALSE(boxes.meet().agreed);
}

TEST_CASE("a certificate is refused for each of its faults, the other end says which, and the box is told") {
  const auto refused_server = [](const Certified& boxes, const std::string& words) {
    const auto outcome = boxes.meet();
    CAPTURE(outcome.client_error, outcome.server_error, words);
    CHECK_FALSE(outcome.agreed);
    CHECK_THAT(outcome.client_error, ContainsSubstring(words));
  };
  Certified boxes;
  SECTION("another box's name") {
    boxes.b = boxes.ca.issue(*identity_of(2), "c", 12);
    refused_server(boxes, "expected the DNS name 'b'");
  }
  SECTION("a name in the subject alone") {
    boxes.b = boxes.ca.issue_without_name(*identity_of(2), "b", 12);
    refused_server(boxes, "expected the DNS name 'b'");
  }
  SECTION("a wildcard") {
    boxes.b = boxes.ca.issue(*identity_of(2), "*", 12);
    refused_server(boxes, "expected the DNS name 'b'");
  }
  SECTION("expired") {
    boxes.b = boxes.ca.issue(*identity_of(2), "b", 12, {-2 * test::day, -test::day});
    refused_server(boxes, "has expired");
  }
  SECTION("not valid yet") {
    boxes.b = boxes.ca.issue(*identity_of(2), "b", 12, {test::day, 2 * test::day});
    refused_server(boxes, "not valid yet");
  }
  SECTION("revoked") {
    boxes.revocations = boxes.ca.revocations({12});
    refused_server(boxes, "is revoked");
  }
  SECTION("a revocation list that is out of date") {
    boxes.revocations = boxes.ca.revocations({}, {-2 * test::day, -test::day});
    refused_server(boxes, "out of date");
  }
  SECTION("a revocation list of another authority") {
    boxes.revocations = boxes.other_ca.revocations();
    CHECK_FALSE(boxes.meet().agreed);
  }
  SECTION("another authority of the same name") {
    boxes.b = boxes.other_ca.issue(*identity_of(2), "b", 12);
    CHECK_FALSE(boxes.meet().agreed);
  }
}

TEST_CASE("a client's certificate is judged as strictly as a server's, and the client is told") {
  Certified boxes;
  SECTION("another box's name") { boxes.a = boxes.ca.issue(*identity_of(1), "c", 11); }
  SECTION("expired") { boxes.a = boxes.ca.issue(*identity_of(1), "a", 11, {-2 * test::day, -test::day}); }
  SECTION("revoked") { boxes.revocations = boxes.ca.revocations({11}); }
  const auto outcome = boxes.meet();
  CHECK_FALSE(outcome.agreed);
  CHECK_THAT(outcome.server_error, ContainsSubstring("certificate"));
  CHECK_THAT(outcome.client_error, ContainsSubstring("the peer does not take this box's certificate"));
}

TEST_CASE("a certificate is the box's own by key and name, and files that are no certificates are refused") {
  const Certified boxes;
  const auto chain = CertificateChain::parse("as text\n" + boxes.a + boxes.root);
  REQUIRE(chain);
  CHECK(chain->certificates().size() == 2);
  CHECK(chain->check(*identity_of(1), "a"));
  CHECK_FALSE(chain->check(*identity_of(2), "a"));
  CHECK_FALSE(chain->check(*identity_of(1), "b"));
  for (const auto& wrong : {std::string{}, std::string{"text"}, boxes.revocations, boxes.a + boxes.revocations,
                            boxes.a.substr(0, boxes.a.size() / 2), std::string(certificate_text_bytes_max + 1, 'x')})
    CHECK_FALSE(CertificateChain::parse(wrong));
  CHECK_FALSE(Authority::parse(boxes.a, boxes.revocations));  // no authority's
  CHECK_FALSE(Authority::parse(boxes.root, boxes.root));
  CHECK_FALSE(Authority::parse(boxes.root, ""));
}

TEST_CASE("garbage and floods are refused") {
  CHECK_FALSE(server(7).advance(Bytes(100, std::byte{0x16})));
  auto flooded = server(7);
  bool refused = false;
  for (int i = 0; i < 100 && !refused; ++i) refused = !flooded.advance(Bytes(1024, std::byte{0}));
  CHECK(refused);
}

}  // namespace
}  // namespace cloister::crypto
