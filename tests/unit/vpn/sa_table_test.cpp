// The table of SAs: found by SPI, replaced and retired under readers that never wait.
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <map>
#include <random>
#include <thread>

#include "appliance/vpn/sa_table.hpp"
#include "crypto/secret.hpp"

namespace cloister::vpn {
namespace {

TEST_CASE("The table is a map from SPI to SA", "[sa_table]") {
  std::mt19937 chance{1};
  SaTable table{3, 1};
  std::map<std::uint32_t, std::size_t> model;
  for (int i = 0; i < 3000; ++i) {
    const Spi spi{static_cast<std::uint32_t>(256 + chance() % 200)};
    const std::size_t tunnel = chance() % 3;
    if (chance() % 2 == 0) {
      table.install_inbound(tunnel, spi, SaKey{});
      model[spi.value] = tunnel;
    } else {
      table.retire_inbound(spi);
      model.erase(spi.value);
    }
    const SaTable::Reader reader{table, 0};
    const Spi asked{static_cast<std::uint32_t>(256 + chance() % 200)};
    const auto* found = reader.inbound(asked);
    REQUIRE((found != nullptr) == model.contains(asked.value));
    if (found != nullptr) {
      CHECK(found->tunnel == model[asked.value]);
      CHECK(found->sa.spi() == asked);
    }
  }
}

TEST_CASE("A retired SA's key is gone when the call returns", "[sa_table]") {
  SaTable table{1, 1};
  const std::size_t before = crypto::arena_bytes_used();
  table.install_inbound(0, Spi{300}, SaKey{});
  table.install_outbound(0, Spi{301}, SaKey{});
  CHECK(crypto::arena_bytes_used() > before);
  table.install_outbound(0, Spi{302}, SaKey{});
  table.retire_inbound(Spi{300});
  table.retire_outbound(0);
  CHECK(crypto::arena_bytes_used() == before);
  const SaTable::Reader reader{table, 0};
  CHECK(reader.inbound(Spi{300}) == nullptr);
  CHECK(reader.outbound(0) == nullptr);
}

TEST_CASE("Workers seal and open through rekeys without an end, each packet by the SA of its SPI", "[sa_table]") {
  constexpr int generations = 50;
  SaTable table{1, 2};
  std::atomic<bool> done = false;
  std::atomic<int> opened = 0;
  std::atomic<int> refused = 0;
  std::atomic<int> absent = 0;
  table.install_inbound(0, Spi{1000}, SaKey{});
  table.install_outbound(0, Spi{1000}, SaKey{});
  {
    std::vector<std::jthread> workers;
    for (std::size_t worker = 0; worker < 2; ++worker) {
      workers.emplace_back([&, worker] {
        std::vector<std::byte> room(40 + esp_overhead_bytes_max);
        std::vector<std::byte> out(room.size());
        while (!done) {
          const SaTable::Reader reader{table, worker};
          auto* outbound = reader.outbound(0);
          room[esp_packet_at] = std::byte{0x45};
          const auto bytes = outbound->seal(40, room);
          auto* inbound = reader.inbound(outbound->spi());
          if (inbound == nullptr) {
            ++absent;
            continue;
          }
          // A worker that was held up may come too late for the replay window; that is no fault of the table.
          const auto packet = inbound->sa.open(std::span{room}.first(*bytes), out);
          if (packet) ++opened;
          if (!packet && packet.error() != EspError::replayed) ++refused;
          std::this_thread::yield();
        }
      });
    }
    for (std::uint32_t generation = 1; generation <= generations; ++generation) {
      const int seen = opened;
      table.install_inbound(0, Spi{1000 + generation}, SaKey{});  // the new receiving half first
      table.install_outbound(0, Spi{1000 + generation}, SaKey{});
      table.retire_inbound(Spi{1000 + generation - 1});
      while (opened == seen) std::this_thread::yield();
    }
    done = true;
  }
  CHECK(opened >= generations);
  CHECK(refused == 0);
  // A worker may have taken the old sending SA just before it was replaced: then its receiving half may be gone, as
  // there is no grace in this test.
  CHECK(absent <= 2 * generations);
}

}  // namespace
}  // namespace cloister::vpn
