// How long a packet may be, and what its sender is told.
#include "appliance/vpn/packet_too_big.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>

#include "appliance/vpn/esp.hpp"
#include "tests/unit/vpn/inner_packets.hpp"

namespace cloister::vpn {
namespace {

Bytes answer_to(const Bytes& packet, std::size_t mtu) {
  std::array<std::byte, packet_too_big_bytes_max> out{};
  const auto bytes = write_packet_too_big(packet, mtu, out);
  return bytes ? Bytes(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*bytes)) : Bytes{};
}

TEST_CASE("The longest inner packet fits the way, and one byte more does not", "[vpn]") {
  CHECK(inner_mtu(1500, false) == 1438);
  CHECK(inner_mtu(1500, true) == 1418);
  CHECK(inner_mtu(20, false) == 0);
  OutboundSa sa{Spi{300}, SaKey{}};
  for (std::size_t outer = 552; outer < 1600; ++outer) {
    const auto datagram_bytes = [&](std::size_t inner) {
      std::vector<std::byte> room(inner + esp_overhead_bytes_max);
      room[esp_packet_at] = std::byte{0x45};
      return sa.seal(inner, room).value() + 8 + 20;
    };
    const std::size_t inner = inner_mtu(outer, false);
    REQUIRE(datagram_bytes(inner) <= outer);
    REQUIRE(datagram_bytes(inner + 1) > outer);
  }
}

TEST_CASE("Who may not be cut: IPv4 with DF, and IPv6", "[vpn]") {
  CHECK(may_not_be_cut(packet_of({.dont_fragment = true}, {})));
  CHECK_FALSE(may_not_be_cut(packet_of({.dont_fragment = false}, {})));
  CHECK(may_not_be_cut(packet_of({.v6 = true}, {})));
}

TEST_CASE("An IPv4 sender is told the MTU, by the far host's address, with its packet's beginning", "[vpn]") {
  const auto packet = packet_of({}, Bytes(1400, std::byte{7}));
  const auto answer = answer_to(packet, 1330);
  REQUIRE(answer.size() == 576);
  CHECK(get16(answer, 2) == 576);
  CHECK(std::ranges::equal(std::span{answer}.subspan(12, 4), std::span{packet}.subspan(16, 4)));
  CHECK(std::ranges::equal(std::span{answer}.subspan(16, 4), std::span{packet}.subspan(12, 4)));
  CHECK(answer[9] == std::byte{1});
  CHECK(plain_checksum(Bytes(answer.begin(), answer.begin() + 20)) == 0);
  CHECK(get16(answer, 20) == 0x0304);
  CHECK(get16(answer, 26) == 1330);
  CHECK(plain_checksum(Bytes(answer.begin() + 20, answer.end())) == 0);
  CHECK(std::equal(answer.begin() + 28, answer.end(), packet.begin()));
}

TEST_CASE("An IPv6 sender is told too, in at most 1280 bytes", "[vpn]") {
  const auto packet = packet_of({.v6 = true}, Bytes(1400, std::byte{7}));
  const auto answer = answer_to(packet, 1330);
  REQUIRE(answer.size() == 1280);
  CHECK(get16(answer, 4) == 1240);
  CHECK(std::ranges::equal(std::span{answer}.subspan(8, 16), std::span{packet}.subspan(24, 16)));
  CHECK(answer[6] == std::byte{58});
  CHECK(get16(answer, 40) == 0x0200);
  CHECK(get16(answer, 46) == 1330);
  CHECK(std::equal(answer.begin() + 48, answer.end(), packet.begin()));
  Bytes summed(answer.begin() + 8, answer.begin() + 40);
  for (const std::size_t word : {0U, 1240U, 0U, 58U}) put16(summed, word);
  summed.insert(summed.end(), answer.begin() + 40, answer.end());
  CHECK(plain_checksum(summed) == 0);
}

TEST_CASE("No error is sent about errors, later fragments, groups, and to nobody", "[vpn]") {
  auto packet = packet_of({.tcp = false}, Bytes(100));
  CHECK_FALSE(answer_to(packet, 100).empty());
  const auto silent = [&](auto change) {
    auto changed = packet;
    change(changed);
    return answer_to(changed, 100).empty();
  };
  CHECK(silent([](Bytes& b) { set16(b, 6, 100); }));
  CHECK(silent([](Bytes& b) { b[16] = std::byte{224}; }));
  CHECK(silent([](Bytes& b) { b[12] = std::byte{224}; }));
  CHECK(silent([](Bytes& b) { std::fill_n(b.begin() + 12, 4, std::byte{0}); }));
  CHECK(silent([](Bytes& b) { b[9] = std::byte{1}, b[20] = std::byte{3}; }));
  CHECK_FALSE(silent([](Bytes& b) { b[9] = std::byte{1}, b[20] = std::byte{8}; }));

  packet = packet_of({.v6 = true, .tcp = false}, Bytes(100));
  CHECK(silent([](Bytes& b) { b[8] = std::byte{0xFF}; }));
  CHECK(silent([](Bytes& b) { b[24] = std::byte{0xFF}; }));
  CHECK(silent([](Bytes& b) { b[6] = std::byte{58}, b[40] = std::byte{137}; }));
  CHECK(silent([](Bytes& b) { std::fill_n(b.begin() + 8, 16, std::byte{0}); }));
  CHECK(silent([](Bytes& b) { b[6] = std::byte{58}, b[40] = std::byte{2}; }));
  CHECK_FALSE(silent([](Bytes& b) { b[6] = std::byte{58}, b[40] = std::byte{128}; }));
  for (std::size_t length = 0; length < 48; ++length) {
    Bytes cut(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(length));
    REQUIRE(answer_to(cut, 100).empty());
  }
}

}  // namespace
}  // namespace cloister::vpn
