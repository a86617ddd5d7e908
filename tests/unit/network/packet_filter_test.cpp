// What the kernel says to the packet filter, in a network of its own.
#include "appliance/network/packet_filter.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>

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

using Address = std::array<std::uint8_t, 4>;
constexpr Address near_host{192, 0, 2, 10};    // red
constexpr Address far_host{198, 51, 100, 10};  // red, behind the tunnel
constexpr Address stranger{203, 0, 113, 66};   // on the black network
constexpr Address elsewhere{198, 18, 0, 1};    // what is behind the red side, and no red subnet

/// An IPv4 header and nothing else, of a protocol for experiments (RFC 3692).
std::array<std::uint8_t, 20> packet(const Address& from, const Address& to) {
  std::array<std::uint8_t, 20> bytes{0x45, 0, 0, 20, 0, 0, 0, 0, 64, 253};
  std::ranges::copy(from, bytes.begin() + 12);
  std::ranges::copy(to, bytes.begin() + 16);
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2) sum += static_cast<std::uint32_t>(bytes[i] << 8U) | bytes[i + 1];
  sum = (sum & 0xFFFFU) + (sum >> 16U);
  sum = ~(sum + (sum >> 16U));
  bytes[10] = static_cast<std::uint8_t>(sum >> 8U);
  bytes[11] = static_cast<std::uint8_t>(sum);
  return bytes;
}

/// An interface whose cable is a descriptor.
int interface(const std::string& name) {
  const int descriptor = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (::ioctl(descriptor, TUNSETIFF, &request) != 0) return -1;
  return descriptor;
}

/// Whether exactly this packet comes out; what the kernel itself sends is passed over.
bool comes_out(int descriptor, const Address& from, const Address& to, int patience_ms) {
  pollfd readable{.fd = descriptor, .events = POLLIN, .revents = 0};
  while (::poll(&readable, 1, patience_ms) == 1) {
    std::array<std::uint8_t, 2048> bytes{};
    if (::read(descriptor, bytes.data(), bytes.size()) < 20) continue;
    if (std::ranges::equal(from, std::span{bytes}.subspan(12, 4)) &&
        std::ranges::equal(to, std::span{bytes}.subspan(16, 4)))
      return true;
  }
  return false;
}

/// In a child: 0, or the number of the first wrong passage, from 1 on; 100: no network of its own.
int first_wrong_passage() {
  if (::unshare(CLONE_NEWNET) != 0) return 100;
  const int red = interface("red");
  const int black = interface("black");
  const int tunnel = interface("cl-office");
  if (red < 0 || black < 0 || tunnel < 0) return 100;
  const char* network =
      "for i in red black cl-office; do ip link set $i up; echo 0 > /proc/sys/net/ipv4/conf/$i/rp_filter; done;"
      "echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter; echo 1 > /proc/sys/net/ipv4/ip_forward;"
      "ip route add 192.0.2.0/24 dev red && ip route add 198.18.0.0/24 dev red && "
      "ip route add 203.0.113.0/24 dev black && ip route add 198.51.100.0/24 dev cl-office";
  if (std::system(network) != 0) return 100;
  const PacketFilter filter{.local = {prefix({192, 0, 2, 0}, 24)},
                            .remote = {prefix({198, 51, 100, 0}, 24)},
                            .tunnels = {"cl-office"},
                            .routed = {"cl-office"},
                            .black = {"black"}};
  struct Passage {
    int in;
    Address from;
    Address to;
    int out;
    bool passes;
  };
  const auto passages = std::to_array<Passage>({
      {red, near_host, far_host, tunnel, true},
      {tunnel, far_host, near_host, red, true},
      {tunnel, far_host, stranger, black, false},  // it would leave in clear
      {tunnel, far_host, elsewhere, red, false},
      {black, near_host, far_host, tunnel, false},  // forged: it would arrive on the far side as the near host's
      {black, stranger, far_host, tunnel, false},
      {black, near_host, elsewhere, red, false},
      {black, far_host, near_host, red, false},
      {black, stranger, near_host, red, false},
      {black, stranger, elsewhere, red, true},  // none of ours: a filter of the operator's own decides
  });
  constexpr int at_most_ms = 2000;
  constexpr int silence_ms = 50;
  for (const bool filtered : {false, true}) {
    if (filtered && !(install(filter) && stands())) return 99;
    for (int number = 1; const auto& [in, from, to, out, passes] : passages) {
      const auto bytes = packet(from, to);
      if (::write(in, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) return 98;
      const bool wanted = passes || !filtered;
      if (comes_out(out, from, to, wanted ? at_most_ms : silence_ms) != wanted) return filtered ? number : 50 + number;
      ++number;
    }
  }
  return 0;
}

TEST_CASE("Nothing from the black network enters a tunnel or speaks as a red host; without the filter it would",
          "[network]") {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(first_wrong_passage());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 100) SKIP("networks of its own, or TUN devices in them, are forbidden here");
  CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace cloister::network
