// Packets under a one-time pad: the wire's layout, computed by hand; each bit used once; nothing burnt on a forgery.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <random>
#include <vector>

#include "appliance/vpn/pad_packet.hpp"

namespace cloister::vpn {
namespace {

using Bytes = std::vector<std::byte>;
constexpr Spi spi{0x12345678};
constexpr std::size_t units_max = 1024;

crypto::HashKey hash_key() {
  crypto::HashKey key;
  for (std::size_t i = 0; i < crypto::HashKey::size; ++i) key.fill()[i] = static_cast<std::byte>(7 * i + 1);
  return key;
}

Bytes bits_of(std::size_t units, unsigned seed = 1) {
  std::mt19937_64 generator{seed};
  Bytes bits(units * pad_unit_bytes);
  for (auto& byte : bits) byte = static_cast<std::byte>(generator());
  return bits;
}

Bytes packet_of(std::size_t size, bool v6 = false) {
  Bytes packet(size, std::byte{0x5A});
  packet[0] = v6 ? std::byte{0x60} : std::byte{0x45};
  const std::size_t said = v6 ? size - 40 : size;
  packet[v6 ? 4 : 2] = static_cast<std::byte>(said >> 8U);
  packet[v6 ? 5 : 3] = static_cast<std::byte>(said);
  return packet;
}

struct Pair {
  OutboundPadSa out{spi, hash_key(), units_max};
  InboundPadSa in{spi, hash_key(), units_max};
  void add(const Bytes& bits) {
    in.add(bits);
    out.add(bits);
  }
};

std::expected<Bytes, PadError> seal(OutboundPadSa& sa, const Bytes& packet) {
  Bytes room(pad_datagram_bytes(packet.size()));
  std::ranges::copy(packet, room.begin() + pad_packet_at);
  const auto sealed = sa.seal(packet.size(), room);
  if (!sealed) return std::unexpected{sealed.error()};
  REQUIRE(*sealed == room.size());
  return room;
}

std::expected<Bytes, PadError> open(InboundPadSa& sa, const Bytes& datagram) {
  Bytes out(datagram.size());
  const auto opened = sa.open(datagram, out);
  if (!opened) return std::unexpected{opened.error()};
  return Bytes(opened->packet.begin(), opened->packet.end());
}

TEST_CASE("A datagram is what the wire format's page says, bit for bit", "[vpn]") {
  Pair pair;
  const auto bits = bits_of(64);
  pair.add(bits);
  REQUIRE(seal(pair.out, packet_of(40)));  // takes units 0 to 4
  const auto packet = packet_of(60);
  const auto datagram = seal(pair.out, packet);
  REQUIRE(datagram);
  REQUIRE(datagram->size() == 16 + 64 + 16);

  Bytes expected(16 + 64);
  expected[3] = std::byte{0x10};
  expected[4] = std::byte{0x12};
  expected[5] = std::byte{0x34};
  expected[6] = std::byte{0x56};
  expected[7] = std::byte{0x78};
  expected[15] = std::byte{5};
  expected[16 + 1] = std::byte{60};
  std::ranges::copy(packet, expected.begin() + 18);
  for (std::size_t i = 0; i < 64; ++i) expected[16 + i] ^= bits[6 * 16 + i];
  crypto::PolynomialHash hash{hash_key()};
  hash.update(expected);
  Bytes length(16);
  length[15] = std::byte{64};
  hash.update(length);
  auto tag = hash.value();
  for (std::size_t i = 0; i < 16; ++i) tag[i] ^= bits[5 * 16 + i];
  expected.insert(expected.end(), tag.begin(), tag.end());
  CHECK(*datagram == expected);
}

TEST_CASE("Packets of all lengths come through, and their datagrams have few", "[vpn]") {
  std::vector<std::size_t> lengths;
  for (std::size_t size = 40; size <= pad_packet_bytes_max; size += 13) {
    Pair pair;
    pair.add(bits_of(units_max));
    const auto packet = packet_of(size, size % 2 == 0);
    const auto datagram = seal(pair.out, packet);
    REQUIRE(datagram);
    CHECK(open(pair.in, *datagram) == packet);
    lengths.push_back(datagram->size());
  }
  lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());
  CHECK(lengths.size() == pad_classes.size());
  CHECK(pad_datagram_bytes(1438) + 28 == 1500);
  CHECK(pad_datagram_bytes(pad_packet_bytes_max + 1) == 0);
  CHECK(pad_units(60) == 5);
  CHECK(pad_units(pad_packet_bytes_max) == pad_packet_units_max);
}

TEST_CASE("The pad of a packet is used once, and gone before the packet is there", "[vpn]") {
  Pair pair;
  pair.add(bits_of(12));
  const auto packet = packet_of(60);
  const auto first = seal(pair.out, packet);
  const auto second = seal(pair.out, packet);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(*first != *second);
  CHECK(pair.out.left() == 2);
  CHECK(pair.out.used() == 10);
  CHECK(seal(pair.out, packet).error() == PadError::used_up);
  pair.add(bits_of(3, 2));
  CHECK(seal(pair.out, packet).has_value());
  CHECK(pair.out.left() == 0);
  pair.add(bits_of(20, 3));
  pair.out.burn();
  CHECK(seal(pair.out, packet).error() == PadError::used_up);
}

TEST_CASE("Nothing is opened twice, and what overtakes another is", "[vpn]") {
  Pair pair;
  pair.add(bits_of(64));
  const auto packet = packet_of(60);
  const auto first = *seal(pair.out, packet);
  const auto second = *seal(pair.out, packet);
  CHECK(open(pair.in, second) == packet);
  CHECK(open(pair.in, second).error() == PadError::replayed);
  CHECK(open(pair.in, first) == packet);
  for (int i = 0; i < 1000; ++i) {
    CHECK(open(pair.in, first).error() == PadError::replayed);
    CHECK(open(pair.in, second).error() == PadError::replayed);
  }
}

TEST_CASE("A datagram that was changed anywhere is refused, and burns nothing", "[vpn]") {
  Pair pair;
  pair.add(bits_of(64));
  const auto packet = packet_of(60);
  const auto datagram = *seal(pair.out, packet);
  for (std::size_t bit = 0; bit < 8 * datagram.size(); ++bit) {
    auto changed = datagram;
    changed[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    CHECK_FALSE(open(pair.in, changed).has_value());
  }
  for (std::size_t size = 0; size < datagram.size(); ++size)
    CHECK_FALSE(open(pair.in, Bytes(datagram.begin(), datagram.begin() + static_cast<std::ptrdiff_t>(size))));
  CHECK(open(pair.in, datagram) == packet);
}

TEST_CASE("What was judged is what a forgery's bound is reckoned from", "[vpn]") {
  Pair pair;
  pair.add(bits_of(64));
  auto datagram = *seal(pair.out, packet_of(60));
  CHECK(pair.in.epsilon() == 0);
  CHECK(open(pair.in, datagram).has_value());
  CHECK(pair.in.epsilon() == 6 * 0x1p-128);  // header, four blocks, length
  CHECK_FALSE(open(pair.in, datagram).has_value());
  CHECK(pair.in.epsilon() == 6 * 0x1p-128);  // a replay is not judged
  datagram = *seal(pair.out, packet_of(60));
  datagram.back() ^= std::byte{1};
  CHECK_FALSE(open(pair.in, datagram).has_value());
  CHECK(pair.in.epsilon() == 12 * 0x1p-128);
  CHECK(pad_epsilon_per_packet() == 122 * 0x1p-128);
}

TEST_CASE("Under pad that is not there nothing is opened, at any offset", "[vpn]") {
  Pair pair;
  pair.add(bits_of(16));
  const auto datagram = *seal(pair.out, packet_of(60));
  for (const std::uint64_t at : {std::uint64_t{12}, std::uint64_t{16}, std::uint64_t{1} << 40U, ~std::uint64_t{0}}) {
    auto moved = datagram;
    for (std::size_t i = 0; i < 8; ++i) moved[8 + i] = static_cast<std::byte>(at >> (56 - 8 * i));
    CHECK(open(pair.in, moved).error() == PadError::not_there_yet);
  }
}

TEST_CASE("Pad that lost packets have left is kept for a while, and then burnt", "[vpn]") {
  Pair pair;
  const auto packet = packet_of(60);
  pair.add(bits_of(5));
  const auto lost = *seal(pair.out, packet);
  pair.add(bits_of(10, 2));
  const auto late = *seal(pair.out, packet);
  std::uint64_t taken = 0;
  for (unsigned round = 3; taken <= InboundPadSa::window_units; ++round) {
    pair.add(bits_of(units_max - units_max % 5 - 10, round));
    while (const auto sealed = seal(pair.out, packet)) {
      REQUIRE(open(pair.in, *sealed) == packet);
      taken += 5;
      if (taken == 100) CHECK(open(pair.in, late) == packet);
    }
  }
  CHECK(open(pair.in, lost).error() == PadError::replayed);
}

TEST_CASE("What is cut off was never there, and its place is filled anew", "[vpn]") {
  Pair pair;
  pair.add(bits_of(10));
  const auto packet = packet_of(60);
  const auto first = *seal(pair.out, packet);
  pair.in.add(bits_of(10, 2));  // what the sender was not told of
  pair.in.cut(10);
  CHECK(pair.in.end() == 10);
  pair.add(bits_of(10, 3));
  for (int i = 0; i < 3; ++i) CHECK(open(pair.in, *seal(pair.out, packet)) == packet);
  CHECK(open(pair.in, first) == packet);
}

TEST_CASE("Only whole IP packets are taken, whoever seals them", "[vpn]") {
  Pair pair;
  pair.add(bits_of(64));
  auto packet = packet_of(60);
  packet[3] = std::byte{61};
  CHECK(seal(pair.out, packet).error() == PadError::malformed);
  packet = packet_of(60);
  packet[0] = std::byte{0x55};
  CHECK(seal(pair.out, packet).error() == PadError::malformed);
  CHECK(pair.out.used() == 0);
  CHECK_FALSE(peek_pad_sa(Bytes(15)).has_value());
  CHECK_FALSE(peek_pad_sa(Bytes(16)).has_value());
}

TEST_CASE("The longest packet under a pad that fits a way fills its class, and the next one does not fit") {
  CHECK(pad_inner_mtu(1500, false) == 1438);
  CHECK(pad_inner_mtu(1500, true) == 1022);
  CHECK(pad_inner_mtu(1300, false) == 1022);
  CHECK(pad_inner_mtu(100, false) == 0);
  for (const bool v6 : {false, true}) {
    const std::size_t headers = (v6 ? 40 : 20) + 8;
    for (std::size_t outer = 200; outer <= 1500; ++outer) {
      const auto inner = pad_inner_mtu(outer, v6);
      CHECK(headers + pad_datagram_bytes(inner) <= outer);
      CHECK(headers + pad_datagram_bytes(inner + 1) > outer);
    }
  }
}

}  // namespace
}  // namespace cloister::vpn
