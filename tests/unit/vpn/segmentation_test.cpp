// Cutting super-packets: what a network card would send, by a plain reading of it; and contradictions refused.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "appliance/vpn/segmentation.hpp"
#include "tests/unit/vpn/inner_packets.hpp"

namespace cloister::vpn {
namespace {

/// As the kernel hands it over: one packet of all the payload, its checksum field holding the pseudo-header's sum.
Bytes super_packet(const PacketFacts& facts, const Bytes& payload) {
  Bytes packet = packet_of(facts, payload);
  Bytes pseudo = summed_part(packet, facts.v6, facts.tcp);
  pseudo.resize(facts.v6 ? 36 : 12);
  const auto sum = static_cast<std::uint16_t>(~plain_checksum(pseudo));
  set16(packet, ip_bytes_of(facts) + (facts.tcp ? 16U : 6U), sum);
  return packet;
}

Offload offload_of(const PacketFacts& facts, std::size_t segment_bytes) {
  return {.segmentation = facts.tcp ? Offload::Segmentation::tcp : Offload::Segmentation::udp,
          .checksum_missing = true,
          .segment_bytes = static_cast<std::uint16_t>(segment_bytes),
          .checksum_start = static_cast<std::uint16_t>(ip_bytes_of(facts)),
          .checksum_offset = static_cast<std::uint16_t>(facts.tcp ? 16 : 6)};
}

TEST_CASE("Each segment is the packet that the flow's sender would have made by itself", "[segmentation]") {
  std::mt19937 chance{1};
  for (const bool v6 : {false, true}) {
    for (const bool tcp : {false, true}) {
      for (const std::size_t total : {1U, 999U, 1000U, 1001U, 60'000U}) {
        PacketFacts facts{.v6 = v6, .tcp = tcp, .sequence = 0xFFFFF000U, .flags = 0x99, .identification = 0xFFF0};
        const auto payload = random_payload(chance, total);
        const auto packet = super_packet(facts, payload);
        const auto segments = Segments::of(offload_of(facts, 1000), packet);
        REQUIRE(segments);
        REQUIRE(segments->count() == (total + 999) / 1000);
        for (std::size_t i = 0; i < segments->count(); ++i) {
          const bool last = i + 1 == segments->count();
          // FIN and PSH (0x09) belong to the last, CWR (0x80) to the first.
          facts.flags = static_cast<std::uint8_t>(0x10 | (last ? 0x09 : 0) | (i == 0 ? 0x80 : 0));
          const auto begin = payload.begin() + static_cast<std::ptrdiff_t>(1000 * i);
          const Bytes part(begin, last ? payload.end() : begin + 1000);
          Bytes written(segments->bytes(i));
          segments->write(i, written);
          REQUIRE(written == packet_of(facts, part));
          facts.sequence += 1000;
          ++facts.identification;
        }
      }
    }
  }
}

TEST_CASE("A checksum that was left to us is filled in, and one that was not is not touched", "[segmentation]") {
  std::mt19937 chance{2};
  for (const bool tcp : {false, true}) {
    const PacketFacts facts{.tcp = tcp};
    const auto payload = random_payload(chance, 100);
    const auto whole = packet_of(facts, payload);
    auto offload = offload_of(facts, 0);
    offload.segmentation = Offload::Segmentation::none;
    const auto unfinished = super_packet(facts, payload);
    Bytes written(whole.size());
    Segments::of(offload, unfinished)->write(0, written);
    CHECK(written == whole);
    Segments::of({}, unfinished)->write(0, written);
    CHECK(written == unfinished);
  }
}

TEST_CASE("Frames that contradict themselves are refused", "[segmentation]") {
  std::mt19937 chance{3};
  const PacketFacts facts;
  const auto packet = super_packet(facts, random_payload(chance, 3000));
  const auto good = offload_of(facts, 1000);
  REQUIRE(Segments::of(good, packet));
  const auto refused = [](Offload offload, const Bytes& bytes) { return !Segments::of(offload, bytes).has_value(); };

  auto changed = good;
  changed.segment_bytes = 0;
  CHECK(refused(changed, packet));
  changed = good;
  changed.checksum_start = 4;
  CHECK(refused(changed, packet));
  changed = good;
  changed.checksum_start = 60'000;
  CHECK(refused(changed, packet));
  changed = good;
  changed.checksum_missing = false;
  CHECK(refused(changed, packet));
  changed = {.checksum_missing = true, .checksum_start = 20, .checksum_offset = 65'000};
  CHECK(refused(changed, packet));
  auto bytes = packet;
  bytes[32] = std::byte{0x10};  // a TCP header of four bytes
  CHECK(refused(good, bytes));
  bytes[32] = std::byte{0xF0};
  bytes.resize(70);  // and one longer than the packet
  CHECK(refused(good, bytes));
  bytes = packet;
  bytes[0] = std::byte{0x55};
  CHECK(refused(good, bytes));
  CHECK(refused(good, {}));
  CHECK(refused({}, Bytes(19, std::byte{0x45})));
}

}  // namespace
}  // namespace cloister::vpn
