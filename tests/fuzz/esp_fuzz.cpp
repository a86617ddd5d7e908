// A datagram from the black network, and a packet that comes out of a tunnel: any bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "appliance/vpn/esp.hpp"
#include "appliance/vpn/selectors.hpp"
#include "crypto/error.hpp"

namespace {

/// As the packet says; all of it where it says what cannot be (RFC 4303, section 2.7).
std::size_t own_bytes(std::span<const std::byte> bytes) {
  const auto number = [&](std::size_t at) {
    return std::to_integer<std::size_t>(bytes[at]) << 8U | std::to_integer<std::size_t>(bytes[at + 1]);
  };
  const bool v6 = std::to_integer<unsigned>(bytes[0]) >> 4U == 6;
  if (bytes.size() < (v6 ? 40 : 20)) return bytes.size();
  const std::size_t said = v6 ? 40 + number(4) : number(2);
  return said < 20 || said > bytes.size() ? bytes.size() : said;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  if (size > 65'535) return 0;
  const auto bytes = std::as_bytes(std::span{data, size});
  static_cast<void>(vpn::peek_spi(bytes));

  vpn::InboundSa in{{0x1000}, vpn::SaKey{}};
  std::vector<std::byte> out(size);
  require(!in.open(bytes, out).has_value(), "nobody forges AES-256-GCM");

  // Behind the cipher: the bytes as the inner packet, sealed by a peer that is not ours.
  vpn::OutboundSa sender{{0x1000}, vpn::SaKey{}};
  std::vector<std::byte> datagram(size + vpn::esp_overhead_bytes_max);
  std::ranges::copy(bytes, datagram.begin() + vpn::esp_packet_at);
  if (const auto sealed = sender.seal(size, datagram)) {
    datagram.resize(*sealed);
    out.resize(datagram.size());
    if (const auto opened = in.open(datagram, out))
      require(std::ranges::equal(opened->packet, bytes.first(own_bytes(bytes))),
              "what comes out is what went in, less what the packet says is not its own");
  }

  vpn::SelectorTable selectors;
  vpn::Prefix local{.length = 8};
  vpn::Prefix remote{.v6 = true, .length = 3};
  selectors.add(0, {local, remote}, {local, remote});
  static_cast<void>(selectors.outbound(bytes));
  static_cast<void>(selectors.inbound_allowed(0, bytes));
  return 0;
}
