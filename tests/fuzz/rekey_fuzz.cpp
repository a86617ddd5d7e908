// A tunnel's messages from the peer: any sequence of them into an engine of either side.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "appliance/vpn/rekey.hpp"
#include "appliance/vpn/rekey_messages.hpp"
#include "crypto/random.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  using namespace std::chrono_literals;
  auto rest = std::as_bytes(std::span{data, size});
  if (rest.size() < 2) return 0;
  static crypto::SystemRandom random;
  const bool initiator = (data[0] & 1U) != 0;
  vpn::Instant now{1h};
  vpn::RekeyEngine engine{{.tunnel = "t",
                           .local_box = "a",
                           .peer_box = "b",
                           .initiator = initiator,
                           .hybrid = (data[0] & 2U) != 0,
                           .rekey_interval = 1s,
                           .key_lifetime = 3s,
                           .when_keys_run_out = static_cast<vpn::WhenKeysRunOut>((data[0] >> 3U) % 3U),
                           .extend_for = 2s,
                           .rekey_after = {.packets = 1000, .bytes = 0}},
                          random,
                          now};
  const auto drain = [&] {
    while (auto action = engine.next_action()) {
      const auto* need = std::get_if<vpn::NeedKey>(&*action);
      if (need == nullptr) continue;
      if ((data[0] & 4U) != 0)
        engine.on_no_key(now);
      else
        engine.on_key(need->name.value_or(wire::KeyName{{1}, 1}), wire::Authenticator::qkd, crypto::TunnelKey{}, now);
    }
  };
  engine.on_session_up(now);
  drain();
  rest = rest.subspan(1);
  vpn::Volume sent;
  while (rest.size() >= 3) {
    const auto type = std::to_integer<std::uint8_t>(rest[0]);
    const std::size_t length = std::min<std::size_t>(
        rest.size() - 3, std::to_integer<std::size_t>(rest[1]) << 8U | std::to_integer<std::size_t>(rest[2]));
    if (type == 0xff) {  // no message, but packets
      sent.packets += length;
      engine.on_sent(sent, now);
      if (const auto accepted = engine.status().accepted) engine.on_heard(*accepted, now);
    } else if (!engine.on_message(type, rest.subspan(3, length), now)) {
      return 0;
    }
    drain();
    now += 300ms;
    engine.on_timer(now);
    drain();
    rest = rest.subspan(3 + length);
  }
  return 0;
}
