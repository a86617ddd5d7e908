// What is cut is put together again by another hand, as it was.
#include "appliance/vpn/fragmentation.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <random>

#include "tests/unit/vpn/inner_packets.hpp"

namespace cloister::vpn {
namespace {

std::vector<Bytes> cut(const Bytes& packet, std::size_t mtu) {
  std::vector<Bytes> all;
  const auto fragments = Fragments::of(packet, mtu);
  for (std::size_t i = 0; fragments && i < fragments->count(); ++i) {
    all.emplace_back(fragments->bytes(i));
    fragments->write(i, all.back());
  }
  return all;
}

std::size_t header_of(const Bytes& packet) { return 4 * (std::to_integer<std::size_t>(packet[0]) & 15U); }

/// The payload that the fragments are of, each checked by itself; empty where they do not fit together.
Bytes joined(const std::vector<Bytes>& fragments, std::size_t mtu) {
  Bytes payload;
  for (const auto& one : fragments) {
    const std::size_t header = header_of(one);
    REQUIRE(one.size() <= mtu);
    REQUIRE(get16(one, 2) == one.size());
    REQUIRE(plain_checksum(Bytes(one.begin(), one.begin() + static_cast<std::ptrdiff_t>(header))) == 0);
    REQUIRE((get16(one, 6) & 0x1FFFU) * 8 == payload.size());
    REQUIRE(((get16(one, 6) & 0x2000U) == 0) == (&one == &fragments.back()));
    payload.insert(payload.end(), one.begin() + static_cast<std::ptrdiff_t>(header), one.end());
  }
  return payload;
}

TEST_CASE("Fragments of any length fit, are whole packets, and are the packet again", "[vpn]") {
  std::mt19937 chance{20};
  for (int round = 0; round < 300; ++round) {
    const auto packet = packet_of({.tcp = false, .dont_fragment = false}, random_payload(chance, 1 + chance() % 4000));
    const std::size_t mtu = 68 + chance() % 1400;
    CHECK(joined(cut(packet, mtu), mtu) == Bytes(packet.begin() + 20, packet.end()));
  }
}

TEST_CASE("A fragment that is cut again keeps its place, and says that more follow where they do", "[vpn]") {
  std::mt19937 chance{21};
  const auto packet = packet_of({.tcp = false, .dont_fragment = false}, random_payload(chance, 3000));
  std::vector<Bytes> again;
  for (const auto& one : cut(packet, 1400)) {
    for (auto& part : cut(one, 500)) again.push_back(std::move(part));
  }
  CHECK(joined(again, 500) == Bytes(packet.begin() + 20, packet.end()));
}

TEST_CASE("Options that are to be copied go with each fragment, others with the first alone", "[vpn]") {
  auto packet = packet_of({.tcp = false, .dont_fragment = false}, Bytes(200, std::byte{5}));
  // Record route, which is not copied, no-operation, and a security option, which is (RFC 791, section 3.1).
  const Bytes options{std::byte{7},   std::byte{3}, std::byte{4}, std::byte{1},
                      std::byte{130}, std::byte{3}, std::byte{9}, std::byte{0}};
  packet.insert(packet.begin() + 20, options.begin(), options.end());
  packet[0] = std::byte{0x47};
  set16(packet, 2, packet.size());
  const auto fragments = cut(packet, 100);
  REQUIRE(fragments.size() > 2);
  CHECK(header_of(fragments[0]) == 28);
  CHECK(std::ranges::equal(std::span{fragments[0]}.subspan(20, 8), options));
  for (std::size_t i = 1; i < fragments.size(); ++i) {
    CHECK(header_of(fragments[i]) == 24);
    CHECK(fragments[i][20] == std::byte{130});
    CHECK(fragments[i][23] == std::byte{0});
  }
  CHECK(joined(fragments, 100) == Bytes(packet.begin() + 28, packet.end()));
}

TEST_CASE("What may not be cut, or is no IPv4 packet, is not", "[vpn]") {
  CHECK(cut(packet_of({.dont_fragment = true}, Bytes(1000)), 500).empty());
  CHECK(cut(packet_of({.v6 = true}, Bytes(1000)), 500).empty());
  auto packet = packet_of({.dont_fragment = false}, Bytes(1000));
  CHECK(cut(packet, 67).empty());
  packet[0] = std::byte{0x44};
  CHECK(cut(packet, 500).empty());
  packet[0] = std::byte{0x4F};
  packet.resize(40);
  CHECK(cut(packet, 500).empty());
  // Beyond the offsets' end.
  auto late = packet_of({.dont_fragment = false}, Bytes(1000));
  set16(late, 6, 0x1FFF);
  CHECK(cut(late, 500).empty());
}

}  // namespace
}  // namespace cloister::vpn
