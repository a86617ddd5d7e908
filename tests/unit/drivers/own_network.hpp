#pragma once
/// A network of a test's own: a loopback with a small MTU, and a socket on it.

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <format>
#include <utility>

#include "appliance/drivers/udp.hpp"

namespace cloister::drivers::test {

/// `story(udp, address)` says in a child whether all was as it should be; `udp` is bound to `address`, and does not block.
template <class Story>
void in_own_network(int mtu, Story story) {
  enum Outcome { good, bad, impossible };
  const auto told = [&]() -> Outcome {
    const auto set_up = std::format("ip link set lo up mtu {} && ip address add 203.0.113.1/32 dev lo", mtu);
    if (::unshare(CLONE_NEWNET) != 0 || std::system(set_up.c_str()) != 0) return impossible;
    const auto address = socket_address("203.0.113.1", 4500);
    FileDescriptor socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address->storage), address->length) != 0)
      return impossible;
    UdpSocket udp{.queues = {}, .name = "203.0.113.1:4500"};
    udp.queues.push_back(std::move(socket));
    return story(udp, *address) ? good : bad;
  };
  const pid_t child = ::fork();
  if (child == 0) ::_exit(told());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == impossible) SKIP("this user may not make network namespaces");
  CHECK(WEXITSTATUS(status) == good);
}

}  // namespace cloister::drivers::test
