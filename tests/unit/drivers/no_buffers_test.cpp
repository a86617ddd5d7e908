// What the kernel has no buffers for, in a network of its own. (Linux' net/ipv4/udp.c, udp_send_skb, hides ENOBUFS of a
// full queue from sockets without IP_RECVERR; what is left is ip_append_data's, where fragments would take more than
// twice SO_SNDBUF.)
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cerrno>
#include <cstdlib>

#include "appliance/drivers/udp.hpp"
#include "appliance/drivers/udp_burst.hpp"

namespace cloister::drivers {
namespace {

constexpr int passed = 0;
constexpr int failed = 1;
constexpr int impossible = 2;

constexpr std::size_t fits = 60;
constexpr std::size_t many_fragments = 1900;  // 27 of them, each with a buffer of some 700 bytes

/// In a child.
int story() {
  if (::unshare(CLONE_NEWNET) != 0 ||
      std::system("ip link set lo up mtu 100 && ip address add 203.0.113.1/32 dev lo") != 0)
    return impossible;
  const auto address = socket_address("203.0.113.1", 4500);
  FileDescriptor socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address->storage), address->length) != 0)
    return impossible;
  const int queue = socket.get();
  UdpSocket udp{.queues = {}, .name = "203.0.113.1:4500"};
  udp.queues.push_back(std::move(socket));
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
      burst.commit(bytes, *address);
    }
    return burst.send(queue);
  };

  send_buffer(1);  // the kernel's least: 4608
  const auto raw = ::sendto(queue, datagram.data(), datagram.size(), MSG_DONTWAIT,
                            reinterpret_cast<const sockaddr*>(&address->storage), address->length);
  if (raw >= 0 || errno != ENOBUFS) return failed;
  const auto without = refused();
  if (without.datagrams != 1 || without.too_long != 0 || arrived() != 2) return failed;
  send_buffer(1 << 20);
  return refused().datagrams == 0 && arrived() == 3 ? passed : failed;
}

TEST_CASE("A datagram that the kernel has no buffers for is refused and counted, and the next ones go", "[drivers]") {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(story());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == impossible) SKIP("this user may not make network namespaces");
  CHECK(WEXITSTATUS(status) == passed);
}

}  // namespace
}  // namespace cloister::drivers
