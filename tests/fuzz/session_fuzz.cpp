// The classical channel's bytes before anything is authentic: frames, greetings, a bootstrap's first flights, to either
// side.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "appliance/session/frame.hpp"
#include "appliance/session/greeting.hpp"
#include "appliance/session/session.hpp"
#include "crypto/identity.hpp"
#include "crypto/random.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  using namespace std::chrono_literals;
  if (size < 2) return 0;
  const auto bytes = std::as_bytes(std::span{data, size}).subspan(1);
  if (const auto greeting = session::decode_greeting(bytes))
    require(session::decode_greeting(session::encode(*greeting)) == *greeting, "a greeting is read as it is written");
  static_cast<void>(session::decode_body(bytes));

  static crypto::SystemRandom random;
  static const auto identity = std::make_shared<const crypto::Identity>(crypto::Identity::generate(random).value());
  static const auto peer = crypto::Identity::generate(random).value().fingerprint();
  const bool client = (data[0] & 1U) != 0;
  session::Instant now{1h};
  session::Session engine{
      {.link = "l",
       .local_box = client ? "a" : "b",
       .peer_box = client ? "b" : "a",
       .agreement = "x=1\n",
       .reserve_bits = 2048},
      (data[0] & 4U) != 0 ? crypto::Credentials{.psk = {},
                                                .pinned = crypto::PinnedKeys{identity, crypto::TrustedKey{.key = peer}},
                                                .certified = {}}
                          : crypto::Credentials::by_psk({}),
      random,
      now};
  const auto drain = [&] {
    while (auto action = engine.next_action())
      require(!std::holds_alternative<session::BlockHeld>(*action), "no block without an authentic channel");
  };
  engine.on_connected(now);
  drain();
  if ((data[0] & 2U) != 0) {  // behind a right greeting
    session::Greeting greeting;
    greeting.link = "l";
    greeting.box = client ? "b" : "a";
    greeting.peer = client ? "a" : "b";
    greeting.side = client ? 1 : 0;
    greeting.agreement = "x=1\n";
    engine.on_received(
        session::seal_frame(session::encode_body(session::FrameKind::greeting, 0, {}, 0, session::encode(greeting)),
                            nullptr),
        now);
    drain();
    engine.on_received(
        session::seal_frame(session::encode_body(session::FrameKind::bootstrap, 1, {}, 0, bytes), nullptr), now);
  } else {
    engine.on_received(bytes, now);
  }
  drain();
  now += 11s;
  engine.on_timer(now);
  drain();
  require(engine.status().state != "established", "nobody is let in without a credential");
  return 0;
}
