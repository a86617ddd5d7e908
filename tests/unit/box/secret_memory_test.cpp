// How much secret memory a configuration needs: what is refused for it, and that a thousand tunnels at their fullest stay below it.
#include "appliance/box/secret_memory.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <fstream>
#include <random>
#include <string>

#include "appliance/keys/store.hpp"
#include "appliance/vpn/sa_table.hpp"
#include "crypto/secret.hpp"

namespace cloister::box {
namespace {
using Catch::Matchers::ContainsSubstring;

config::Configuration with_tunnels(std::size_t tunnels) {
  config::Configuration configuration;
  configuration.links.push_back({.name = "line",
                                 .peer = "paris",
                                 .local_address = {},
                                 .peer_address = {},
                                 .bootstrap = {},
                                 .authentication = {},
                                 .device = {},
                                 .distillation = {}});
  for (std::size_t i = 0; i < tunnels; ++i) {
    config::Tunnel tunnel;
    tunnel.name = "t" + std::to_string(i);
    tunnel.link = "line";
    configuration.tunnels.push_back(tunnel);
  }
  return configuration;
}

TEST_CASE("The default link needs 87 MiB, and with a thousand tunnels 118: both fit what the unit may lock") {
  CHECK(secret_bytes_needed(with_tunnels(0)) == 87 * mebibyte);
  CHECK(secret_bytes_needed(with_tunnels(1000)) == 118 * mebibyte);
  CHECK_FALSE(too_little_for(with_tunnels(1000), unit_locked_bytes));
  CHECK(secret_bytes_reserved(with_tunnels(1000), unit_locked_bytes) == 236 * mebibyte);
  auto pads = with_tunnels(1);
  pads.tunnels[0].cipher = config::Cipher::one_time_pad;
  pads.tunnels[0].pad_bytes = 16 * mebibyte;
  CHECK(secret_bytes_needed(pads) == (87 + 6 * 16) * mebibyte);
  // Never more than may be locked, as long as what is needed fits.
  CHECK(secret_bytes_reserved(with_tunnels(1000), 130 * mebibyte) == 130 * mebibyte);
  CHECK(secret_bytes_reserved(with_tunnels(1000), 8 * mebibyte) == 118 * mebibyte);
}

TEST_CASE("What the service may not lock is refused with the limit that it needs, devices' rings included") {
  const auto refused = too_little_for(with_tunnels(1000), 8 * mebibyte);
  REQUIRE(refused);
  CHECK_THAT(*refused, ContainsSubstring("need 118 MiB") && ContainsSubstring("may lock 8 MiB") &&
                           ContainsSubstring("LimitMEMLOCK=118M"));
  CHECK_FALSE(too_little_for(with_tunnels(1000), 118 * mebibyte));
  CHECK(too_little_for(with_tunnels(1000), 118 * mebibyte - 1));
  auto plugin = with_tunnels(0);
  plugin.links[0].device.driver = "plugin";
  plugin.links[0].device.clock_hz = 1e9;
  const auto rings = too_little_for(plugin, unit_locked_bytes);
  REQUIRE(rings);
  CHECK_THAT(*rings, ContainsSubstring("87 MiB of locked memory and its devices' rings 513 MiB") &&
                         ContainsSubstring("LimitMEMLOCK=600M"));
  plugin.links[0].device.role = config::DeviceRole::bob;
  CHECK_FALSE(too_little_for(plugin, unit_locked_bytes));
}

TEST_CASE("A reload takes up no devices' rings that cannot be locked beside the arena") {
  auto plugin = with_tunnels(0);
  plugin.links[0].device.driver = "plugin";
  plugin.links[0].device.role = config::DeviceRole::bob;
  const auto rings = ring_bytes_needed(plugin);
  REQUIRE(rings == 17 * mebibyte);
  const LockedMemory memory{.arena = 110 * mebibyte, .lockable = 110 * mebibyte + rings};
  CHECK_FALSE(no_room_for(plugin, memory));
  const auto refused = no_room_for(plugin, {.arena = memory.arena, .lockable = memory.lockable - 1});
  REQUIRE(refused);
  CHECK_THAT(*refused,
             ContainsSubstring("17 MiB for its devices' rings beside the 110 MiB") && ContainsSubstring("restart it"));
  // Where a restart alone does not help, the limit is named.
  const auto limited = no_room_for(plugin, {.arena = 90 * mebibyte, .lockable = 90 * mebibyte});
  REQUIRE(limited);
  CHECK_THAT(*limited, ContainsSubstring("LimitMEMLOCK=104M") && ContainsSubstring("restart it"));
  // An arena that was never locked takes nothing of the limit; without rings nothing more is locked.
  CHECK_FALSE(no_room_for(plugin, {.arena = memory.arena, .arena_locked = false, .lockable = 80 * mebibyte}));
  CHECK_FALSE(no_room_for(with_tunnels(0), {.arena = memory.arena, .arena_locked = false, .lockable = mebibyte}));
  CHECK(no_room_for(with_tunnels(0), {.arena = 86 * mebibyte, .lockable = unit_locked_bytes}));
}

/// A block's key that no tunnel asked for anything else of.
crypto::SecretBits key_of(std::size_t bits) {
  std::mt19937_64 generator{bits};
  crypto::SecretBits key{bits};
  for (std::size_t i = 0; i < bits; ++i) key.set(i, (generator() & 1U) != 0);
  return key;
}

vpn::SaKey sa_key(std::size_t number) {
  vpn::SaKey key;
  key.fill()[0] = static_cast<std::byte>(number);
  return key;
}

TEST_CASE(
    "A thousand tunnels with full stocks, each with four SAs as while it rekeys, stay below what is reckoned for "
    "them") {
  constexpr std::size_t tunnels = 1000;
  constexpr std::uint32_t stock = 64;
  const auto before = crypto::arena_bytes_used();
  keys::Store store;
  for (std::uint32_t i = 0; i < tunnels; ++i) store.add_tunnel({{i}, "t" + std::to_string(i), stock});
  std::size_t most = 0;
  for (std::uint64_t block = 1; store.balance().stock_bits < tunnels * stock * keys::key_bits; ++block) {
    REQUIRE(block < 100);
    const auto needs = store.needs(0, 0);
    auto key = key_of(1'000'000);
    most = std::max(most, crypto::arena_bytes_used());
    REQUIRE(store.add({block}, wire::Authenticator::qkd, std::move(key), needs, needs));
  }
  // Twice as many tunnels' worth of outbound SAs: a retiring one lives until its successor is published.
  vpn::SaTable table{2 * tunnels, 1};
  for (std::size_t i = 0; i < 2 * tunnels; ++i) {
    table.install_inbound(i % tunnels, vpn::Spi{static_cast<std::uint32_t>(1000 + i)}, sa_key(i));
    table.install_outbound(i, vpn::Spi{static_cast<std::uint32_t>(1000 + i)}, sa_key(i));
  }
  most = std::max(most, crypto::arena_bytes_used());
  const auto reckoned = tunnels * (secret_bytes_of_sas + stock * secret_bytes_of_stocked_key);
  INFO(most - before << " bytes at most, " << reckoned << " reckoned");
  CHECK(most - before < reckoned);
  CHECK(most - before > reckoned / 4);
}

TEST_CASE("The unit that is delivered may lock what the programs take it to") {
  std::ifstream unit{CLOISTER_CHECKOUT "/image/units/cloister.service"};
  const std::string text{std::istreambuf_iterator<char>{unit}, {}};
  CHECK_THAT(text, ContainsSubstring("\nLimitMEMLOCK=" + std::to_string(unit_locked_bytes / mebibyte) + "M\n"));
}

}  // namespace
}  // namespace cloister::box
