// Packets one behind another in a payload: RFC 9347's layout by hand, and what is none refused.
#include "appliance/vpn/aggregate.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "tests/unit/vpn/inner_packets.hpp"

namespace cloister::vpn {
namespace {

/// A packet of nothing but a header that says its length.
Bytes packet_of(std::size_t size, bool v6 = false) {
  Bytes packet(size, std::byte{0x5A});
  packet[0] = v6 ? std::byte{0x60} : std::byte{0x45};
  set16(packet, v6 ? 4 : 2, v6 ? size - 40 : size);
  return packet;
}

Bytes joined(const std::vector<Bytes>& parts) {
  Bytes all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

struct Read {
  std::vector<Bytes> packets;
  bool malformed;
};

Read read(const Bytes& payload) {
  AggregateReader reader{payload};
  Read all;
  while (const auto packet = reader.next()) all.packets.emplace_back(packet->begin(), packet->end());
  all.malformed = reader.malformed();
  return all;
}

const Bytes header(4, std::byte{0});  // RFC 9347, 6.1.1: sub-type 0, reserved, block offset 0

TEST_CASE("An aggregate is a header of zeros, whole packets, and zeros to its end (RFC 9347, 6.1)", "[vpn]") {
  const auto one = packet_of(52);
  const auto two = packet_of(72, true);
  Bytes payload(200, std::byte{0xEE});
  AggregateWriter writer{payload};
  REQUIRE(writer.add(one));
  REQUIRE(writer.add(two));
  CHECK_FALSE(writer.add(packet_of(73)));  // of 200, 4 + 52 + 72 are taken
  writer.finish();
  CHECK(payload == joined({header, one, two, Bytes(72, std::byte{0})}));
  const auto [packets, malformed] = read(payload);
  CHECK(packets == std::vector<Bytes>{one, two});
  CHECK_FALSE(malformed);
}

TEST_CASE("A packet fills an aggregate to its last byte; none leaves a dummy of zeros", "[vpn]") {
  Bytes payload(104, std::byte{0xEE});
  AggregateWriter full{payload};
  REQUIRE(full.add(packet_of(100)));
  full.finish();
  CHECK(read(payload).packets == std::vector<Bytes>{packet_of(100)});
  AggregateWriter empty{payload};
  empty.finish();
  CHECK(payload == Bytes(104, std::byte{0}));
  CHECK((read(payload).packets.empty() && !read(payload).malformed));
}

TEST_CASE("What is no aggregate of whole packets is refused from the first mistake on", "[vpn]") {
  const auto good = packet_of(40);
  struct Wrong {
    std::string what;
    Bytes payload;
    std::size_t packets;
  };
  Bytes congestion = joined({header, good});
  congestion[0] = std::byte{1};
  Bytes fragment = joined({header, good});
  fragment[3] = std::byte{8};
  Bytes short_of_itself = good;
  set16(short_of_itself, 2, 19);
  Bytes version = good;
  version[0] = std::byte{0x55};
  for (const auto& [what, payload, packets] : std::vector<Wrong>{
           {"no header", Bytes(3, std::byte{0}), 0},
           {"another sub-type", congestion, 0},
           {"begins with a fragment's end", fragment, 0},
           {"a packet that says it is longer", joined({header, good, Bytes(good.begin(), good.end() - 1)}), 1},
           {"one that is shorter than a header", joined({header, good, short_of_itself, good}), 1},
           {"one of version 5", joined({header, version}), 0},
           {"cut within a header", joined({header, good, Bytes(good.begin(), good.begin() + 12)}), 1},
           {"IPv6 cut within a header", joined({header, Bytes(39, std::byte{0x60})}), 0}}) {
    INFO(what);
    const auto read_of = read(payload);
    CHECK(read_of.malformed);
    CHECK(read_of.packets.size() == packets);
  }
}

}  // namespace
}  // namespace cloister::vpn
