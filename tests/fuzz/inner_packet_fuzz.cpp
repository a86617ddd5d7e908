// What is read and changed of an inner packet on its way, from the red side or from a peer that is not well-meaning:
// any bytes.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "appliance/vpn/fragmentation.hpp"
#include "appliance/vpn/mss_clamp.hpp"
#include "appliance/vpn/packet_too_big.hpp"
#include "appliance/vpn/traffic_class.hpp"
#include "crypto/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  if (size < 3 || size > 65'535) return 0;
  const std::size_t mtu = std::size_t{data[0]} << 8U | data[1];
  const std::uint8_t outer_class = data[2];
  const auto bytes = std::as_bytes(std::span{data, size}).subspan(3);

  std::vector<std::byte> packet(bytes.begin(), bytes.end());
  if (vpn::clamp_mss(packet, mtu)) require(!vpn::clamp_mss(packet, mtu), "what was lowered fits");

  std::array<std::byte, vpn::packet_too_big_bytes_max> answer{};
  if (const auto length = vpn::write_packet_too_big(bytes, mtu, answer)) {
    std::array<std::byte, vpn::packet_too_big_bytes_max> again{};
    require(!vpn::write_packet_too_big(std::span{answer}.first(*length), mtu, again), "an error has no answer");
  }

  std::size_t payload = 0;
  if (const auto fragments = vpn::Fragments::of(bytes, mtu)) {
    for (std::size_t i = 0; i < fragments->count(); ++i) {
      std::vector<std::byte> one(fragments->bytes(i));
      require(one.size() <= mtu, "a fragment fits");
      fragments->write(i, one);
      payload += one.size() - 4 * (std::to_integer<std::size_t>(one[0]) & 15U);
    }
    require(payload == bytes.size() - 4 * (std::to_integer<std::size_t>(bytes[0]) & 15U), "no byte is lost or made");
  }

  // Behind the selectors: version and a header's length were looked at.
  const unsigned version = bytes.empty() ? 0 : std::to_integer<unsigned>(bytes[0]) >> 4U;
  if ((version == 4 && bytes.size() >= 20) || (version == 6 && bytes.size() >= 40)) {
    packet.assign(bytes.begin(), bytes.end());
    static_cast<void>(vpn::take_congestion(packet, outer_class));
    static_cast<void>(vpn::may_not_be_cut(packet));
  }
  return 0;
}
