// The segment size that a SYN announces, lowered to what fits.
#include "appliance/vpn/mss_clamp.hpp"

#include <catch2/catch_test_macros.hpp>
#include <initializer_list>

#include "tests/unit/vpn/inner_packets.hpp"

namespace cloister::vpn {
namespace {

/// A SYN with those options, which are a multiple of four bytes, and a right checksum.
Bytes syn(bool v6, std::initializer_list<unsigned> options, std::uint8_t flags = 0x02) {
  const PacketFacts facts{.v6 = v6, .flags = flags, .option_bytes = options.size()};
  auto packet = packet_of(facts, {});
  std::size_t at = ip_bytes_of(facts) + 20;
  for (const auto byte : options) packet[at++] = static_cast<std::byte>(byte);
  const std::size_t sum_at = ip_bytes_of(facts) + 16;
  set16(packet, sum_at, 0);
  set16(packet, sum_at, plain_checksum(summed_part(packet, v6, true)));
  return packet;
}

bool checksum_right(const Bytes& packet, bool v6) { return plain_checksum(summed_part(packet, v6, true)) == 0; }

TEST_CASE("A SYN's segment size is lowered to the MTU less both headers, wherever the option stands", "[vpn]") {
  for (const bool v6 : {false, true}) {
    const std::size_t tcp = v6 ? 60 : 40;
    for (const std::size_t before : {0U, 1U, 2U, 3U, 4U}) {
      auto packet = syn(v6, {1, 1, 1, 1, 1, 1, 1, 1});
      const std::size_t at = tcp + before;
      packet[at] = std::byte{2};
      packet[at + 1] = std::byte{4};
      set16(packet, at + 2, 1460);
      set16(packet, tcp - 4, 0);
      set16(packet, tcp - 4, plain_checksum(summed_part(packet, v6, true)));
      CHECK(clamp_mss(packet, 1420));
      CHECK(get16(packet, at + 2) == 1420 - tcp);
      CHECK(checksum_right(packet, v6));
      CHECK_FALSE(clamp_mss(packet, 1420));
    }
  }
}

TEST_CASE("A SYN and its answer are clamped; a size that fits, and other segments, stay", "[vpn]") {
  auto answer = syn(false, {2, 4, 0x05, 0xB4}, 0x12);
  CHECK(clamp_mss(answer, 1420));
  auto small = syn(false, {2, 4, 0x02, 0x18});
  const auto before = small;
  CHECK_FALSE(clamp_mss(small, 1420));
  CHECK(small == before);
  auto data = syn(false, {2, 4, 0x05, 0xB4}, 0x10);
  CHECK_FALSE(clamp_mss(data, 1420));
  auto later_fragment = syn(false, {2, 4, 0x05, 0xB4});
  set16(later_fragment, 6, 185);
  CHECK_FALSE(clamp_mss(later_fragment, 1420));
  auto udp = packet_of({.tcp = false}, Bytes(32, std::byte{2}));
  CHECK_FALSE(clamp_mss(udp, 100));
}

TEST_CASE("A wrong checksum stays wrong", "[vpn]") {
  auto packet = syn(false, {2, 4, 0x05, 0xB4});
  set16(packet, 36, get16(packet, 36) ^ 1U);
  CHECK(clamp_mss(packet, 1420));
  CHECK_FALSE(checksum_right(packet, false));
}

TEST_CASE("Options that contradict themselves, and packets that are cut anywhere, are left alone", "[vpn]") {
  for (auto options : {std::initializer_list<unsigned>{3, 1, 2, 4, 5, 0xB4, 0, 0},
                       {8, 0, 2, 4, 5, 0xB4, 0, 0},
                       {8, 40, 2, 4, 5, 0xB4, 0, 0},
                       {0, 1, 2, 4, 5, 0xB4, 0, 0},
                       {2, 3, 5, 2, 2, 2, 2, 2},
                       {1, 1, 1, 2}}) {
    auto packet = syn(false, options);
    const auto before = packet;
    CHECK_FALSE(clamp_mss(packet, 600));
    CHECK(packet == before);
  }
  const auto whole = syn(true, {2, 4, 0x05, 0xB4});
  for (std::size_t length = 0; length < whole.size(); ++length) {
    Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    REQUIRE_FALSE(clamp_mss(cut, 1280));
  }
}

}  // namespace
}  // namespace cloister::vpn
