// What the kernel says to the packet filter, in a network of its own.
#include "appliance/network/packet_filter.hpp"

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <initializer_list>

namespace cloister::network {
namespace {

RoutePrefix prefix(std::initializer_list<int> bytes, std::uint8_t length, bool v6 = false) {
  RoutePrefix made{.v6 = v6, .length = length};
  for (std::size_t i = 0; const int byte : bytes) made.address[i++] = static_cast<std::byte>(byte);
  return made;
}

enum class Outcome { installed, refused, no_namespace, broken };

/// In a child, twice, as at a start and a restart.
Outcome outcome_of(const PacketFilter& filter) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::unshare(CLONE_NEWNET) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) ::_exit(2);
    ::_exit(install(filter) && install(filter) ? 0 : 1);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return Outcome::broken;
  return static_cast<Outcome>(WEXITSTATUS(status));
}

void expect_installed(const PacketFilter& filter) {
  const Outcome outcome = outcome_of(filter);
  if (outcome == Outcome::no_namespace) SKIP("network namespaces are forbidden here");
  CHECK(outcome == Outcome::installed);
}

TEST_CASE("Prefixes that repeat, nest, touch and reach to the ends of the addresses make one filter", "[network]") {
  expect_installed({.local = {prefix({192, 0, 2, 0}, 24), prefix({192, 0, 2, 0}, 24), prefix({192, 0, 2, 128}, 25),
                              prefix({192, 0, 3, 0}, 24), prefix({198, 51, 100, 0}, 22), prefix({198, 51, 101, 7}, 32)},
                    .remote = {prefix({255, 255, 255, 255}, 32), prefix({255, 255, 255, 0}, 24), prefix({}, 1),
                               prefix({0x20, 1, 0xd, 0xb8}, 32, true), prefix({0x20, 1, 0xd, 0xb8, 0, 1}, 48, true)},
                    .tunnels = {"cl-office", "cl-office", "cl-fifteen-chars"},
                    .black = {"black"}});
  expect_installed({.local = {prefix({}, 0, true)}, .remote = {prefix({}, 0)}, .tunnels = {"cl-all"}, .black = {}});
}

TEST_CASE("Four thousand scattered subnets make one filter", "[network]") {
  PacketFilter filter{.local = {}, .remote = {}, .tunnels = {"cl-many"}, .black = {"black"}};
  for (int i = 0; i < 4000; ++i) {
    filter.local.push_back(prefix({198, 18, i / 64, 4 * (i % 64)}, 32));
    filter.remote.push_back(prefix({198, 19, i / 64, 4 * (i % 64)}, 31));
  }
  expect_installed(filter);
}

}  // namespace
}  // namespace cloister::network
