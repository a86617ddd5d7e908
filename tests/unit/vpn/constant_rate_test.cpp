// The beat of a constant rate under a virtual clock that is late now and then, and the packets that wait for it.
#include "appliance/vpn/constant_rate.hpp"

#include <catch2/catch_test_macros.hpp>
#include <map>
#include <random>
#include <vector>

#include "appliance/vpn/aggregate.hpp"
#include "tests/unit/vpn/inner_packets.hpp"

namespace cloister::vpn {
namespace {

using namespace std::chrono_literals;
using Instant = SendSlots::Instant;
constexpr Instant start{1h};

Bytes packet_of(std::size_t size, unsigned mark = 0) {
  Bytes packet(size, static_cast<std::byte>(mark));
  packet[0] = std::byte{0x45};
  set16(packet, 2, size);
  return packet;
}

bool put(WaitingPackets& waiting, const Bytes& packet) {
  const auto room = waiting.room(packet.size());
  if (room.empty()) return false;
  std::ranges::copy(packet, room.begin());
  return waiting.commit(packet.size());
}

TEST_CASE("As many datagrams leave each second as the rate says, though the clock be late", "[vpn]") {
  std::mt19937 chance{7};
  for (const std::uint32_t rate : {10U, 300U, 1000U, 1500U, 99'999U}) {
    INFO("rate " << rate);
    SendSlots slots{rate};
    std::map<std::int64_t, std::uint64_t> sent;  // by second
    auto now = start;
    REQUIRE(slots.take(now).now == 0);
    while (now < start + 20s) {
      const auto tick = slots.next();
      REQUIRE(tick > now);
      REQUIRE(tick.time_since_epoch() % send_tick == 0ns);
      now = tick + std::chrono::microseconds{chance() % 8 == 0 ? chance() % 20'000 : chance() % 200};
      const auto due = slots.take(now);
      REQUIRE(due.missed == 0);
      REQUIRE(due.now >= 1);
      // Those that were due before the second's end count for it, however late they were.
      sent[(tick - start) / 1s] += due.now;
    }
    for (std::int64_t second = 0; second < 19; ++second) {
      INFO("second " << second << ": " << sent[second]);
      CHECK(sent[second] + rate / 45 + 1 >= rate);
      CHECK(sent[second] <= rate + rate / 45 + 1);
    }
  }
}

TEST_CASE("Exactly the slots that have come are taken, however the time until then was cut", "[vpn]") {
  std::mt19937 chance{11};
  for (const std::uint32_t rate : {10U, 997U, 100'000U}) {
    SendSlots slots{rate};
    auto now = start;
    std::uint64_t taken = slots.take(now).now;
    while (now < start + 3s) {
      now += std::chrono::nanoseconds{chance() % 50'000'000};
      taken += slots.take(now).now;
      const auto elapsed = static_cast<std::uint64_t>(std::chrono::nanoseconds{now - start}.count());
      REQUIRE(taken == elapsed * rate / 1'000'000'000);
    }
  }
}

TEST_CASE("What is due is sent at its tick, not one before and not one after", "[vpn]") {
  SendSlots slots{300};
  REQUIRE(slots.take(start).now == 0);
  CHECK(slots.next() == start + 4ms);  // 3.33 ms
  CHECK(slots.take(start + 3'333'333ns).now == 0);
  CHECK(slots.take(start + 4ms).now == 1);
  CHECK(slots.next() == start + 7ms);
  CHECK(slots.take(start + 10ms).now == 2);
  CHECK(slots.next() == start + 14ms);
}

TEST_CASE("A box that sleeps for long leaves slots out and says how many; what comes then is on time", "[vpn]") {
  SendSlots slots{1000};
  static_cast<void>(slots.take(start));
  const auto due = slots.take(start + 10s);
  CHECK(due.now == 100);
  CHECK(due.missed == 9900);
  CHECK(slots.take(start + 10s + 5ms).now == 5);
  SendSlots slow{10};
  static_cast<void>(slow.take(start));
  CHECK(slow.take(start + 1s).now == 1);
}

TEST_CASE("Packets come out of their slots in order, as many in each as there is room for", "[vpn]") {
  WaitingPackets waiting{1000, 1420};
  for (unsigned mark = 1; mark <= 6; ++mark) REQUIRE(put(waiting, packet_of(500, mark)));
  std::vector<Bytes> seen;
  for (const std::size_t packets : {2U, 2U, 2U, 0U}) {
    Bytes payload(4 + 1420, std::byte{0xEE});
    const auto filled = waiting.fill(payload);
    CHECK(filled.packets == packets);
    CHECK(filled.bytes == 500 * packets);
    CHECK(filled.too_long == 0);
    AggregateReader reader{payload};
    while (const auto packet = reader.next()) seen.emplace_back(packet->begin(), packet->end());
    CHECK_FALSE(reader.malformed());
  }
  REQUIRE(seen.size() == 6);
  for (unsigned mark = 1; mark <= 6; ++mark) CHECK(seen[mark - 1] == packet_of(500, mark));
}

TEST_CASE("No more wait than leave in a tenth of a second, and at least a frame's 64", "[vpn]") {
  for (const auto& [rate, most] : {std::pair{10U, 64U}, {1000U, 100U}, {100'000U, 10'000U}}) {
    WaitingPackets waiting{rate, 100};
    unsigned taken = 0;
    while (put(waiting, packet_of(100))) ++taken;
    CHECK(taken == most);
    Bytes payload(104);
    CHECK(waiting.fill(payload).packets == 1);
    CHECK(put(waiting, packet_of(60)));
    CHECK_FALSE(put(waiting, packet_of(60)));
    CHECK(waiting.clear() == most);
    CHECK(waiting.fill(payload).packets == 0);
    CHECK(put(waiting, packet_of(60)));
  }
}

TEST_CASE("A packet that contradicts its length is not taken: it would hide those behind it", "[vpn]") {
  WaitingPackets waiting{1000, 1420};
  auto liar = packet_of(100);
  set16(liar, 2, 99);
  CHECK_FALSE(put(waiting, liar));
  set16(liar, 2, 101);
  CHECK_FALSE(put(waiting, liar));
  CHECK(waiting.clear() == 0);
}

TEST_CASE("When the way gets narrower, what fits no datagram any more is given up, and the rest goes", "[vpn]") {
  WaitingPackets waiting{1000, 1420};
  for (const std::size_t size : {1400UZ, 200UZ, 1300UZ, 300UZ}) REQUIRE(put(waiting, packet_of(size)));
  Bytes payload(4 + 1280);
  const auto filled = waiting.fill(payload);
  CHECK(filled.packets == 2);
  CHECK(filled.bytes == 500);
  CHECK(filled.too_long == 2);
}

}  // namespace
}  // namespace cloister::vpn
