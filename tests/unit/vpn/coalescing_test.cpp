// Joining packets into super-packets and cutting these again: what goes in comes out, in order, and nothing else joins.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <functional>

#include "appliance/vpn/coalescing.hpp"
#include "tests/unit/vpn/inner_packets.hpp"

namespace cloister::vpn {
namespace {

struct Delivered {
  std::vector<Bytes> packets;  // super-packets cut again
  std::size_t frames = 0;

  void take(const std::optional<Coalescer::Frame>& frame) {
    if (!frame) return;
    ++frames;
    const auto segments = Segments::of(frame->offload, frame->packet);
    REQUIRE(segments);
    for (std::size_t i = 0; i < segments->count(); ++i) {
      Bytes packet(segments->bytes(i));
      segments->write(i, packet);
      packets.push_back(std::move(packet));
    }
  }
};

void lay(Coalescer& coalescer, const Bytes& packet, Delivered& out) {
  const auto room = coalescer.room(packet.size() + 20);  // as a cipher's trailer takes some more
  std::ranges::fill(room, std::byte{0xEE});
  std::ranges::copy(packet, room.begin());
  out.take(coalescer.add(room.first(packet.size())));
}

Delivered through(const std::vector<Bytes>& packets, Coalescer::Device device = {}) {
  Coalescer coalescer{device};
  Delivered out;
  for (const auto& packet : packets) lay(coalescer, packet, out);
  out.take(coalescer.flush());
  CHECK_FALSE(coalescer.flush());
  return out;
}

/// A run of one flow, as a sender would cut it.
std::vector<Bytes> run_of(PacketFacts facts, std::mt19937& chance, std::size_t count, std::size_t size,
                          std::size_t last) {
  std::vector<Bytes> packets;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t bytes = i + 1 < count ? size : last;
    packets.push_back(packet_of(facts, random_payload(chance, bytes)));
    facts.sequence += static_cast<std::uint32_t>(bytes);
    ++facts.identification;
  }
  return packets;
}

TEST_CASE("A run of a flow becomes one super-packet, which cut again is the same run", "[coalescing]") {
  std::mt19937 chance{1};
  for (const bool v6 : {false, true}) {
    for (const bool tcp : {false, true}) {
      for (const std::size_t size : {1U, 7U, 50U, 64U, 999U, 1000U, 1368U}) {
        for (const std::size_t last : {std::size_t{1}, (size + 1) / 2, size}) {
          for (const bool dont_fragment : {false, true}) {
            const PacketFacts facts{.v6 = v6,
                                    .tcp = tcp,
                                    .sequence = 0xFFFFFF00U,
                                    .identification = 0xFFFE,
                                    .dont_fragment = dont_fragment};
            const auto packets = run_of(facts, chance, 20, size, last);
            const auto out = through(packets);
            REQUIRE(out.packets == packets);
            REQUIRE(out.frames == 1);
          }
        }
      }
    }
  }
}

TEST_CASE("What differs in anything but lengths, checksums and sequence is passed on unjoined", "[coalescing]") {
  std::mt19937 chance{2};
  const std::vector<std::pair<const char*, std::function<void(PacketFacts&)>>> changes{
      {"source port", [](auto& facts) { ++facts.source_port; }},
      {"destination port", [](auto& facts) { ++facts.destination_port; }},
      {"a gap",
       [](auto& facts) {
         facts.sequence += facts.tcp ? 1 : 0;
         facts.source_port ^= facts.tcp ? 0 : 1;
       }},
      {"an overlap",
       [](auto& facts) {
         facts.sequence -= facts.tcp ? 1 : 0;
         facts.source_port ^= facts.tcp ? 0 : 1;
       }},
      {"acknowledgement",
       [](auto& facts) {
         ++facts.acknowledgement;
         facts.source_port ^= facts.tcp ? 0 : 1;
       }},
      {"window",
       [](auto& facts) {
         ++facts.window;
         facts.source_port ^= facts.tcp ? 0 : 1;
       }},
      {"options",
       [](auto& facts) {
         facts.option_bytes += 4;
         facts.source_port ^= facts.tcp ? 0 : 1;
       }},
      {"FIN",
       [](auto& facts) {
         facts.flags |= 0x01;
         facts.source_port ^= facts.tcp ? 0 : 1;
       }},
      {"URG",
       [](auto& facts) {
         facts.flags |= 0x20;
         facts.source_port ^= facts.tcp ? 0 : 1;
       }},
      {"CWR",
       [](auto& facts) {
         facts.flags |= 0x80;
         facts.source_port ^= facts.tcp ? 0 : 1;
       }},
      {"ECN mark", [](auto& facts) { facts.traffic_class ^= 3; }},
      {"hop limit", [](auto& facts) { --facts.hop_limit; }},
  };
  for (const bool v6 : {false, true}) {
    for (const bool tcp : {false, true}) {
      for (const auto& [what, change] : changes) {
        INFO(what << (v6 ? ", IPv6" : ", IPv4") << (tcp ? ", TCP" : ", UDP"));
        PacketFacts facts{.v6 = v6, .tcp = tcp};
        std::vector<Bytes> packets = run_of(facts, chance, 2, 300, 300);
        facts.sequence += 600;
        facts.identification = static_cast<std::uint16_t>(facts.identification + 2);
        change(facts);
        packets.push_back(packet_of(facts, random_payload(chance, 300)));
        const auto out = through(packets);
        CHECK(out.packets == packets);
        CHECK(out.frames == 2);
      }
    }
  }
}

TEST_CASE("A packet with a wrong checksum is passed on as it came, for its receiver to refuse", "[coalescing]") {
  std::mt19937 chance{3};
  for (const bool v6 : {false, true}) {
    for (const bool tcp : {false, true}) {
      auto packets = run_of({.v6 = v6, .tcp = tcp}, chance, 5, 400, 400);
      packets[2].back() ^= std::byte{1};
      const auto out = through(packets);
      CHECK(out.packets == packets);
      CHECK(out.frames == 3);
    }
  }
}

TEST_CASE("PSH ends a super-packet and stays on its last packet", "[coalescing]") {
  std::mt19937 chance{4};
  auto packets = run_of({}, chance, 3, 200, 200);
  PacketFacts pushed{.sequence = 601, .flags = 0x18, .identification = 12};
  packets.push_back(packet_of(pushed, random_payload(chance, 200)));
  packets.push_back(packet_of({.sequence = 801, .identification = 13}, random_payload(chance, 200)));
  const auto out = through(packets);
  CHECK(out.packets == packets);
  CHECK(out.frames == 2);
}

TEST_CASE("A device that takes no super-packets gets none", "[coalescing]") {
  std::mt19937 chance{5};
  for (const bool tcp : {false, true}) {
    const auto packets = run_of({.tcp = tcp}, chance, 6, 100, 100);
    const auto out = through(packets, {.tcp = !tcp, .udp = tcp});
    CHECK(out.packets == packets);
    CHECK(out.frames == 6);
  }
}

TEST_CASE("Flows mixed at random, with packets that were refused between, come out whole and in order",
          "[coalescing]") {
  std::mt19937 chance{6};
  Coalescer coalescer{{}};
  Delivered out;
  std::vector<Bytes> expected;
  std::vector<PacketFacts> flows;
  for (std::uint16_t i = 0; i < 4; ++i)
    flows.push_back({.v6 = i % 2 == 0, .tcp = i < 2, .source_port = static_cast<std::uint16_t>(3000 + i)});
  std::size_t flow = 0;
  for (int i = 0; i < 20'000; ++i) {
    if (chance() % 8 == 0) flow = chance() % flows.size();
    auto& facts = flows[flow];
    const std::size_t bytes = chance() % 6 == 0 ? chance() % 1400 : 1000 + 100 * flow;
    facts.flags = chance() % 20 == 0 ? 0x18 : 0x10;
    const auto packet = packet_of(facts, random_payload(chance, bytes));
    facts.sequence += static_cast<std::uint32_t>(bytes);
    ++facts.identification;
    if (chance() % 10 == 0) {  // one that fails authentication leaves rubbish, or zeros, in the room
      std::ranges::fill(coalescer.room(packet.size()), std::byte{0});
      coalescer.abandon();
    }
    lay(coalescer, packet, out);
    expected.push_back(packet);
    if (chance() % 100 == 0) out.take(coalescer.flush());
  }
  out.take(coalescer.flush());
  REQUIRE(out.packets.size() == expected.size());
  CHECK(out.packets == expected);
  CHECK(out.frames < expected.size() / 2);
}

TEST_CASE("A super-packet never exceeds what an IP packet can be", "[coalescing]") {
  std::mt19937 chance{8};
  const auto packets = run_of({}, chance, 120, 1400, 1400);
  const auto out = through(packets);
  CHECK(out.packets == packets);
  CHECK(out.frames == 3);  // 120 · 1400 bytes by 46 · 1400 + 52 bytes
}

}  // namespace
}  // namespace cloister::vpn
