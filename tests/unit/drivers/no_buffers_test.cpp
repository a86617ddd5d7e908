// What the kernel has no buffers for, in a network of its own. (Linux' net/ipv4/udp.c, udp_send_skb, hides ENOBUFS of a
// full queue from sockets without IP_RECVERR; what is left is ip_append_data's, where fragments would take more than
// twice SO_SNDBUF.)
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cerrno>

#include "appliance/drivers/udp_burst.hpp"
#include "tests/unit/drivers/own_network.hpp"

namespace cloister::drivers {
namespace {

constexpr std::size_t fits = 60;
constexpr std::size_t many_fragments = 1900;  // 27 of them, each with a buffer of some 700 bytes

bool story(UdpSocket& udp, const SocketAddress& address) {
  const int queue = udp.queues.front().get();
  set_options(udp, {.cut = UdpOptions::Cut::anywhere});

  const auto send_buffer = [&](int bytes) { ::setsockopt(queue, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes); };
  std::array<std::byte, many_fragments> datagram{};
  const auto arrived = [&] {
    int count = 0;
    while (::recv(queue, datagram.data(), datagram.size(), MSG_DONTWAIT) > 0) ++count;
    return count;
  };
  const auto refused = [&] {
    SendBurst burst;
    for (const std::size_t bytes : {fits, many_fragments, fits}) {
      if (burst.room(bytes).empty()) return SendBurst::Refused{99, 99};
      burst.commit(bytes, address);
    }
    return burst.send(queue);
  };

  send_buffer(1);  // the kernel's least: 4608
  const auto raw = ::sendto(queue, datagram.data(), datagram.size(), MSG_DONTWAIT,
                            reinterpret_cast<const sockaddr*>(&address.storage), address.length);
  if (raw >= 0 || errno != ENOBUFS) return false;
  const auto without = refused();
  if (without.datagrams != 1 || without.too_long != 0 || arrived() != 2) return false;
  send_buffer(1 << 20);
  return refused().datagrams == 0 && arrived() == 3;
}

TEST_CASE("A datagram that the kernel has no buffers for is refused and counted, and the next ones go", "[drivers]") {
  test::in_own_network(100, story);
}

}  // namespace
}  // namespace cloister::drivers
