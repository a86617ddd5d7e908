// What a way with a small MTU does to datagrams, in a network of its own.
#include <arpa/inet.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>

#include "appliance/drivers/udp.hpp"
#include "appliance/drivers/udp_burst.hpp"

namespace cloister::drivers {
namespace {

constexpr int passed = 0;
constexpr int failed = 1;
constexpr int impossible = 2;

/// In a child.
int story() {
  if (::unshare(CLONE_NEWNET) != 0 ||
      std::system("ip link set lo up mtu 1400 && ip address add 203.0.113.1/32 dev lo") != 0)
    return impossible;
  const auto address = socket_address("203.0.113.1", 4500);
  FileDescriptor socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address->storage), address->length) != 0)
    return impossible;
  UdpSocket udp{.queues = {}, .name = "203.0.113.1:4500"};
  udp.queues.push_back(std::move(socket));
  if (path_mtu(udp, *address) != 1400) return failed;

  const auto refused = [&](std::size_t bytes) {
    SendBurst burst;
    if (burst.room(bytes).empty()) return std::size_t{99};
    burst.commit(bytes, *address);
    return burst.send(udp.queues.front().get()).too_long;
  };
  set_options(udp, {});
  if (refused(1400 - 28) != 0 || refused(1400 - 27) != 1) return failed;
  for (const auto cut : {UdpOptions::Cut::here, UdpOptions::Cut::anywhere}) {
    set_options(udp, {.cut = cut});
    if (refused(1400 - 27) != 0) return failed;
  }
  return passed;
}

TEST_CASE("A datagram that is too long for the way is refused and counted, or cut where that is said", "[drivers]") {
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
