// What the kernel says to interfaces and routes, in a network of its own.
#include "appliance/network/groundwork.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <cstring>

#include "appliance/drivers/file_descriptor.hpp"
#include "appliance/network/interfaces.hpp"
#include "appliance/network/prefix_difference.hpp"

namespace cloister::network {
namespace {

constexpr int passed = 0;
constexpr int failed = 1;
constexpr int impossible = 2;
constexpr uid_t owner = 0;
constexpr uid_t other_owner = 1;

/// In a child: a namespace of its own, and then the story, which says by its number which line did not hold.
void expect_in_namespace(int (*story)()) {
  const pid_t child = ::fork();
  if (child == 0) {
    const bool possible = ::access("/dev/net/tun", R_OK | W_OK) == 0 && ::unshare(CLONE_NEWNET) == 0;
    ::_exit(possible ? story() : impossible);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == impossible) SKIP("this user may not make network namespaces and TUN interfaces");
  CHECK(WEXITSTATUS(status) == passed);
}

RoutePrefix far(std::uint8_t third) {
  RoutePrefix prefix{.length = 24};
  prefix.address = {std::byte{198}, std::byte{51}, std::byte{third}};
  return prefix;
}

Plan plan(const std::string& interface, std::uint8_t third) {
  Plan made;
  made.interfaces = {{.name = interface, .mtu = 1400, .routes = {far(third)}}};
  made.guards = {.local = {}, .remote = {far(third)}, .interfaces = {interface}, .black_addresses = {}};
  return made;
}

const Interface* find(const std::vector<Interface>& all, const std::string& name) {
  const auto found = std::ranges::find(all, name, &Interface::name);
  return found == all.end() ? nullptr : &*found;
}

TEST_CASE("What is laid again stays the same interface; another owner gets another", "[network]") {
  expect_in_namespace([] {
    if (!lay_guards(plan("cl-one", 1).guards) || !lay_paths(plan("cl-one", 1), owner)) return failed;
    const auto first = interfaces();
    const auto* one = find(*first, "cl-one");
    if (one == nullptr || !one->ours || !one->tun || one->owner != owner) return failed;
    if (!lay_paths(plan("cl-one", 1), owner)) return failed;
    const auto second = interfaces();
    if (find(*second, "cl-one")->index != one->index) return failed;
    if (!lay_paths(plan("cl-one", 1), other_owner)) return failed;
    const auto third = interfaces();
    const auto* anew = find(*third, "cl-one");
    return anew != nullptr && anew->index != one->index && anew->owner == other_owner ? passed : failed;
  });
}

TEST_CASE("What is planned no longer goes, with its routes; what is planned stays", "[network]") {
  expect_in_namespace([] {
    const auto old = plan("cl-one", 1);
    auto both = plan("cl-two", 2);
    both.interfaces.push_back(old.interfaces[0]);
    both.guards.add(old.guards);
    if (!lay_guards(both.guards) || !lay_paths(both, owner) || !clear_away(both)) return failed;
    if (our_routes()->size() != 4) return failed;
    const auto left = plan("cl-two", 2);
    if (!clear_away(left)) return failed;
    const auto present = interfaces();
    const auto routes = our_routes();
    if (find(*present, "cl-one") != nullptr || find(*present, "cl-two") == nullptr) return failed;
    const bool all_of_two = std::ranges::all_of(*routes, [](const Route& route) { return route.prefix == far(2); });
    return routes->size() == 2 && all_of_two ? passed : failed;
  });
}

TEST_CASE("What stands from an earlier life is found again", "[network]") {
  expect_in_namespace([] {
    const auto old = plan("cl-one", 1);
    if (!lay_guards(old.guards) || !lay_paths(old, owner)) return failed;
    const auto standing = standing_guards({far(7)});
    return standing && *standing == old.guards ? passed : failed;
  });
}

InterfaceAddress own(std::uint8_t last) {
  InterfaceAddress made{.address = {.length = 30}};
  made.address.address = {std::byte{10}, std::byte{255}, std::byte{0}, std::byte{last}};
  return made;
}

Plan routed_plan(std::uint8_t last) {
  Plan made;
  made.interfaces = {{.name = "cl-one", .mtu = 1400, .addresses = {own(last)}}};
  made.guards = {.routed = {RoutePrefix{}},
                 .far = difference({RoutePrefix{}}, {far(7)}),
                 .interfaces = {"cl-one"},
                 .routed_interfaces = {"cl-one"}};
  return made;
}

TEST_CASE("A tunnel's interface gets its addresses, and loses those of an earlier plan; others' stay", "[network]") {
  expect_in_namespace([] {
    if (!lay_guards(routed_plan(1).guards) || !lay_paths(routed_plan(1), owner)) return failed;
    if (!lay_paths(routed_plan(1), owner) || interface_with("10.255.0.1") != "cl-one") return failed;
    const auto present = interfaces();
    // Without our protocol number, as `ip address add` does: an operator's.
    if (std::system("ip address add 10.255.0.9/30 dev cl-one") != 0) return failed;
    if (!lay_paths(routed_plan(5), owner) || !clear_away(routed_plan(5))) return failed;
    const bool right = interface_with("10.255.0.1").empty() && interface_with("10.255.0.5") == "cl-one" &&
                       interface_with("10.255.0.9") == "cl-one";
    return right && find(*interfaces(), "cl-one")->index == find(*present, "cl-one")->index ? passed : failed;
  });
}

TEST_CASE("What the kernel's table routes within is guarded from an earlier life too, apart from far subnets",
          "[network]") {
  expect_in_namespace([] {
    auto guards = routed_plan(1).guards;
    guards.remote = {far(9)};
    if (!lay_guards(guards) || !lay_paths(routed_plan(1), owner)) return failed;
    const auto standing = standing_guards({far(7)});
    // What is behind this box stands in the configuration alone.
    const bool all = standing && standing->routed == guards.routed && standing->remote == guards.remote;
    return all && standing->far == guards.far ? passed : failed;
  });
}

TEST_CASE("An interface that somebody else has made is refused, and left alone", "[network]") {
  expect_in_namespace([] {
    const drivers::FileDescriptor foreign{::open("/dev/net/tun", O_RDWR | O_CLOEXEC)};
    ifreq request{};
    std::memcpy(request.ifr_name, "cl-one", 6);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (::ioctl(foreign.get(), TUNSETIFF, &request) < 0) return failed;
    const auto laid = lay_paths(plan("cl-one", 1), owner);
    if (laid || !laid.error().message.contains("not Cloister's")) return failed;
    const auto cleared = clear_away({});
    const auto present = interfaces();
    return cleared && find(*present, "cl-one") != nullptr ? passed : failed;
  });
}

}  // namespace
}  // namespace cloister::network
