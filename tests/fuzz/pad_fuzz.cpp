// One-time pads: a datagram from the black network, and a run of the peer's messages to an engine; any bytes. The first byte
// says which.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "appliance/vpn/pad_engine.hpp"
#include "crypto/error.hpp"
#include "crypto/random.hpp"

namespace {

using namespace cloister;
using namespace std::chrono_literals;

/// As any bytes are, under pads and a hash key of zeros, which somebody may know; then as a packet of a peer that is not ours.
void take_datagram(std::span<const std::byte> bytes) {
  constexpr std::size_t units = 256;
  const std::vector<std::byte> zeros(units * vpn::pad_unit_bytes);
  vpn::InboundPadSa in{{0x1000}, crypto::HashKey{}, units};
  in.add(zeros);
  std::vector<std::byte> out(bytes.size());
  const auto before = in.left();
  const auto opened = in.open(bytes, out);
  if (opened) {
    require(opened->packet.size() <= bytes.size(), "a packet is no longer than its datagram");
    require(in.left() < before, "what is opened is burnt");
    require(!in.open(bytes, out).has_value(), "nothing is opened twice");
  } else if (opened.error() != vpn::PadError::malformed) {
    require(in.left() == before, "a forgery burns nothing");
  }
  vpn::OutboundPadSa sender{{0x1000}, crypto::HashKey{}, units};
  sender.add(zeros);
  vpn::InboundPadSa fresh{{0x1000}, crypto::HashKey{}, units};
  fresh.add(zeros);
  std::vector<std::byte> datagram(vpn::pad_datagram_bytes(bytes.size()));
  if (datagram.empty()) return;
  std::ranges::copy(bytes, datagram.begin() + vpn::pad_packet_at);
  if (!sender.seal(bytes.size(), datagram)) return;
  out.resize(datagram.size());
  const auto again = fresh.open(datagram, out);
  require(again && std::ranges::equal(again->packet, bytes), "what comes out is what went in");
}

void take_messages(std::span<const std::byte> rest, bool has_keys) {
  static crypto::SystemRandom random;
  vpn::Instant now{1h};
  vpn::PadEngine engine{{.tunnel = "t", .units_max = 64}, random};
  const auto give = [&](std::span<const wire::KeyName> names) {
    if (!has_keys) return engine.on_no_keys(now);
    std::vector<vpn::GivenKey> keys;
    for (const auto& name : names) keys.push_back({name, wire::Authenticator::qkd, {}});
    engine.on_keys(std::move(keys), now);
  };
  const auto drain = [&] {
    while (auto action = engine.next_action()) {
      if (const auto* need = std::get_if<vpn::NeedNamedPadKeys>(&*action)) give(need->names);
      if (std::holds_alternative<vpn::NeedPadKeys>(*action)) give(std::vector<wire::KeyName>{{{1}, 1}});
    }
  };
  engine.on_session_up(now);
  drain();
  while (rest.size() >= 3) {
    const auto type = std::to_integer<std::uint8_t>(rest[0]);
    const std::size_t length = std::min<std::size_t>(
        rest.size() - 3, std::to_integer<std::size_t>(rest[1]) << 8U | std::to_integer<std::size_t>(rest[2]));
    if (!engine.on_message(type, rest.subspan(3, length), now)) return;
    drain();
    now += 300ms;
    engine.on_timer(now);
    drain();
    rest = rest.subspan(3 + length);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 65'535) return 0;
  const auto bytes = std::as_bytes(std::span{data, size}).subspan(1);
  if ((data[0] & 1U) == 0)
    take_datagram(bytes);
  else
    take_messages(bytes, (data[0] & 2U) != 0);
  return 0;
}
