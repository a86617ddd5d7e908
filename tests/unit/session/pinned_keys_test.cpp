// Bootstraps by pinned keys: who is let in, and what an operator is told of who is not.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "appliance/session/frame.hpp"
#include "tests/unit/session/session_pair.hpp"

namespace cloister::session {
namespace {
using Catch::Matchers::ContainsSubstring;
using test::Bytes;
using test::End;
using test::Pair;
using test::psk_of;
using test::settings_of;

const std::shared_ptr<const crypto::Identity>& identity_of(int number) {
  static std::map<int, std::shared_ptr<const crypto::Identity>> known;
  auto& identity = known[number];
  if (!identity) {
    cloister::test::SeededRandom random{static_cast<std::uint64_t>(number)};
    auto made = crypto::Identity::generate(random);
    REQUIRE(made);
    identity = std::make_shared<const crypto::Identity>(std::move(*made));
  }
  return identity;
}

crypto::Credentials keyed(int own, int peer, int psk) {
  crypto::Credentials credentials;
  credentials.pinned.emplace(
      crypto::PinnedKeys{identity_of(own), crypto::TrustedKey{.key = identity_of(peer)->fingerprint()}});
  if (psk != 0) credentials.psk.emplace(psk_of(psk));
  return credentials;
}

/// Alice has key 1 and trusts 2, unless said otherwise; bob the other way round.
struct Keys {
  int alice = 1, alice_trusts = 2, bob = 2, bob_trusts = 1, alice_psk = 0, bob_psk = 0;
};

Pair keyed_pair(const Keys& keys, Settings alice = settings_of("alice", "bob"),
                Settings bob = settings_of("bob", "alice")) {
  Pair pair;
  pair.ends[0] =
      std::make_unique<End>(std::move(alice), keyed(keys.alice, keys.alice_trusts, keys.alice_psk), 1, pair.now);
  pair.ends[1] = std::make_unique<End>(std::move(bob), keyed(keys.bob, keys.bob_trusts, keys.bob_psk), 2, pair.now);
  pair.drain(0);
  pair.drain(1);
  pair.connect();
  return pair;
}

TEST_CASE("Pinned keys bootstrap, alone or with a PSK besides, and blocks are held", "[session]") {
  auto pair = keyed_pair(GENERATE(Keys{}, Keys{.alice_psk = 7, .bob_psk = 7}));
  pair.settle();
  CHECK(pair.alice().saw("established bootstrap"));
  CHECK(pair.bob().saw("established bootstrap"));
  pair.make_block(1);
  CHECK(pair.alice().saw("held 1 bootstrap"));
  CHECK(pair.bob().saw("held 1 bootstrap"));
}

TEST_CASE("A wrong key or a wrong PSK besides is refused on both boxes, each with its reason", "[session]") {
  struct Case {
    std::string_view what;
    Keys keys;
    std::string_view alice_says;
    std::string_view bob_says;
  };
  const auto other = identity_of(3)->fingerprint().hex;
  const auto& [what, keys, alice_says, bob_says] = GENERATE(
      Case{"the client's key", {.alice = 3}, "does not trust this box's key", "the peer's key has the fingerprint"},
      Case{"the server's key", {.bob = 3}, "the peer's key has the fingerprint", "does not trust this box's key"},
      Case{"the PSK besides", {.alice_psk = 7, .bob_psk = 8}, "the same PSK", "the same PSK"});
  INFO(what);
  auto pair = keyed_pair(keys);
  pair.settle();
  for (auto* end : {&pair.alice(), &pair.bob()}) {
    CHECK_FALSE(end->established());
    CHECK_FALSE(end->saw("established bootstrap"));
    CHECK(end->alarms == std::vector<std::string>{"BOOTSTRAP_REFUSED"});
  }
  CHECK_THAT(pair.alice().alarm_text, ContainsSubstring(std::string{alice_says}));
  CHECK_THAT(pair.bob().alarm_text, ContainsSubstring(std::string{bob_says}));
  if (keys.alice_psk == 0) {
    CHECK_THAT(pair.alice().alarm_text, ContainsSubstring(other));
    CHECK_THAT(pair.bob().alarm_text, ContainsSubstring(other));
  }
}

TEST_CASE("A key that nobody vouches for any more is refused with the reason, until others do", "[session]") {
  auto pair = keyed_pair({});
  const int judge = GENERATE(0, 1);
  auto& end = judge == 0 ? pair.alice() : pair.bob();
  auto& other = judge == 0 ? pair.bob() : pair.alice();
  pair.disconnect();
  end.engine.renew(fail("that of box 'rome' ended on 2026-11-26"));
  pair.connect();
  pair.settle();
  CHECK_FALSE(end.saw("established bootstrap"));
  CHECK_FALSE(other.saw("established bootstrap"));
  CHECK(end.alarms == std::vector<std::string>{"BOOTSTRAP_REFUSED"});
  CHECK(other.alarms == std::vector<std::string>{"BOOTSTRAP_REFUSED"});
  CHECK_THAT(end.alarm_text, ContainsSubstring("is not trusted now: that of box 'rome' ended"));
  CHECK_THAT(other.alarm_text, ContainsSubstring("vouchers must be in date"));

  end.engine.renew(crypto::TrustedKey{.key = identity_of(judge == 0 ? 2 : 1)->fingerprint()});
  pair.now += std::chrono::seconds{60};
  pair.connect();
  pair.settle();
  CHECK(end.saw("established bootstrap"));
  CHECK(other.saw("established bootstrap"));
}

TEST_CASE("Keys that are right do not bootstrap boxes that name themselves or their link otherwise", "[session]") {
  auto settings = settings_of("bob", "alice");
  SECTION("another link") { settings.link = "other"; }
  SECTION("another name of the box") { settings.local_box = "bert"; }
  SECTION("another peer") { settings.peer_box = "anna"; }
  auto pair = keyed_pair({}, settings_of("alice", "bob"), settings);
  pair.settle();
  CHECK_FALSE(pair.alice().established());
  CHECK_FALSE(pair.bob().established());
}

TEST_CASE("Names that somebody changes on their way are found by the exporter's context, also with keys", "[session]") {
  auto pair = keyed_pair({});
  // The agreement's last bytes, in the greeting to bob: no part of what the two compare before the handshake.
  auto& greeting = pair.alice().outgoing;
  greeting.back() ^= std::byte{1};
  pair.settle();
  CHECK_FALSE(pair.alice().saw("established bootstrap"));
  CHECK_FALSE(pair.bob().saw("established bootstrap"));
}

TEST_CASE("A refusal that the peer has not made is called a changed frame", "[session]") {
  auto pair = keyed_pair({});
  pair.pass(0);
  pair.pass(1);  // greetings
  pair.pass(0);  // ClientHello
  pair.pass(1);  // the server's flight: alice is done now
  const Bytes alert{std::byte{21}, std::byte{3}, std::byte{3}, std::byte{0}, std::byte{2}, std::byte{2}, std::byte{42}};
  pair.alice().engine.on_received(seal_frame(encode_body(FrameKind::bootstrap, 2, {}, 0, alert), nullptr), pair.now);
  pair.drain(0);
  CHECK(pair.alice().alarms == std::vector<std::string>{"CHANNEL_TAMPERED"});
}

TEST_CASE("A refused bootstrap tells of a configuration that differs", "[session]") {
  auto settings = settings_of("bob", "alice");
  settings.agreement = "bootstrap=PSK\n";
  Pair pair;
  auto alice = settings_of("alice", "bob");
  alice.agreement = "bootstrap=pinned keys\n";
  pair.ends[0] = std::make_unique<End>(std::move(alice), keyed(1, 2, 0), 1, pair.now);
  pair.ends[1] = std::make_unique<End>(std::move(settings), 7, 2, pair.now);
  pair.drain(0);
  pair.drain(1);
  pair.connect();
  pair.settle();
  CHECK(pair.alice().alarms == std::vector<std::string>{"BOOTSTRAP_REFUSED"});
  CHECK_THAT(pair.alice().alarm_text, ContainsSubstring("'bootstrap=pinned keys' here, 'bootstrap=PSK' there"));
}

}  // namespace
}  // namespace cloister::session
