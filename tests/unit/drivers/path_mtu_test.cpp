// What a way with a small MTU does to datagrams, in a network of its own.
#include <catch2/catch_test_macros.hpp>

#include "appliance/drivers/udp_burst.hpp"
#include "tests/unit/drivers/own_network.hpp"

namespace cloister::drivers {
namespace {

bool story(UdpSocket& udp, const SocketAddress& address) {
  if (path_mtu(udp, address) != 1400) return false;

  const auto refused = [&](std::size_t bytes) {
    SendBurst burst;
    if (burst.room(bytes).empty()) return std::size_t{99};
    burst.commit(bytes, address);
    return burst.send(udp.queues.front().get()).too_long;
  };
  set_options(udp, {});
  if (refused(1400 - 28) != 0 || refused(1400 - 27) != 1) return false;
  for (const auto cut : {UdpOptions::Cut::here, UdpOptions::Cut::anywhere}) {
    set_options(udp, {.cut = cut});
    if (refused(1400 - 27) != 0) return false;
  }
  return true;
}

TEST_CASE("A datagram that is too long for the way is refused and counted, or cut where that is said", "[drivers]") {
  test::in_own_network(1400, story);
}

}  // namespace
}  // namespace cloister::drivers
