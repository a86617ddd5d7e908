// What a configuration asks of the kernel's network.
#include "appliance/network/plan.hpp"

#include <catch2/catch_test_macros.hpp>

#include "appliance/network/prefix_difference.hpp"

namespace cloister::network {
namespace {

config::Prefix prefix(std::uint8_t third) {
  return {.family = config::Family::v4, .bytes = {198, 51, third}, .length = 24};
}

config::Tunnel tunnel(const std::string& interface, std::uint8_t third, std::uint16_t port) {
  config::Tunnel made;
  made.interface = interface;
  made.local_subnets = {{.family = config::Family::v4, .bytes = {192, 0, 2}, .length = 24}};
  made.remote_subnets = {prefix(third)};
  made.local_endpoint = {.address = "203.0.113.1", .port = port};
  made.mtu = 1400;
  return made;
}

TEST_CASE("Tunnels that share an interface, an address or an endpoint have it planned once", "[network]") {
  config::Configuration configuration;
  configuration.tunnels = {tunnel("cl-one", 1, 4500), tunnel("cl-two", 2, 4500), tunnel("cl-one", 3, 4501)};
  const auto plan = plan_of(configuration);
  REQUIRE(plan.interfaces.size() == 2);
  CHECK(plan.interfaces[0].name == "cl-one");
  CHECK(plan.interfaces[0].mtu == 1400);
  CHECK(plan.interfaces[0].routes.size() == 2);
  CHECK(plan.interfaces[1].routes.size() == 1);
  CHECK(plan.guards.remote.size() == 3);
  CHECK(plan.guards.black_addresses == std::vector<std::string>{"203.0.113.1"});
  CHECK(plan.endpoints == std::vector<handover::Endpoint>{{"203.0.113.1", 4500}, {"203.0.113.1", 4501}});
}

TEST_CASE("A tunnel that the kernel's table leads packets into has guards and addresses, and no route", "[network]") {
  config::Configuration configuration;
  auto routed = tunnel("cl-one", 1, 4500);
  routed.routing = config::Routing::kernel;
  routed.addresses = {
      {.bytes = {10, 255, 0, 1}, .network = {.family = config::Family::v4, .bytes = {10, 255}, .length = 30}}};
  configuration.tunnels = {routed, tunnel("cl-two", 2, 4500)};
  const auto plan = plan_of(configuration);
  CHECK(plan.interfaces[0].routes.empty());
  REQUIRE(plan.interfaces[0].addresses.size() == 1);
  const auto& address = plan.interfaces[0].addresses[0].address;
  CHECK(address.address[3] == std::byte{1});
  CHECK(address.length == 30);
  // The far subnet, and the network of the interface itself.
  CHECK(plan.guards.routed.size() == 2);
  CHECK(plan.guards.far == plan.guards.routed);
  CHECK(plan.guards.routed_interfaces == std::vector<std::string>{"cl-one"});
  CHECK(plan.guards.remote == std::vector{config::prefix_as<RoutePrefix>(prefix(2))});
  CHECK(plan.interfaces[1].routes.size() == 1);
}

TEST_CASE("Red subnets of all tunnels are behind the box, but for those that are another's far ones", "[network]") {
  config::Configuration configuration;
  auto routed = tunnel("cl-one", 1, 4500);
  routed.routing = config::Routing::kernel;
  routed.remote_subnets = {{.family = config::Family::v4}};
  auto plain = tunnel("cl-two", 2, 4500);
  plain.local_subnets = {prefix(7), prefix(9)};
  auto other = tunnel("cl-three", 9, 4500);
  configuration.tunnels = {routed, plain, other};
  const auto plan = plan_of(configuration);
  const auto far = [&](std::uint8_t third) {
    return difference({config::prefix_as<RoutePrefix>(prefix(third))}, plan.guards.far).empty();
  };
  CHECK_FALSE(far(7));  // behind this box for the other tunnel
  CHECK(far(9));        // behind a peer
  CHECK(far(8));
}

TEST_CASE("What either of two plans keeps in stays in, also where it is behind the box for the other", "[network]") {
  config::Configuration before;
  before.tunnels = {tunnel("cl-one", 1, 4500)};
  before.tunnels[0].routing = config::Routing::kernel;
  before.tunnels[0].remote_subnets = {{.family = config::Family::v4}};
  auto after = before;
  after.tunnels[0].local_subnets.push_back(prefix(7));
  auto guards = plan_of(before).guards;
  guards.add(plan_of(after).guards);
  const std::vector far{config::prefix_as<RoutePrefix>(prefix(7))};
  CHECK(difference(far, guards.far).empty());
  CHECK_FALSE(difference(far, plan_of(after).guards.far).empty());
}

TEST_CASE("The guards of two plans hold what either guards, once", "[network]") {
  config::Configuration first;
  first.tunnels = {tunnel("cl-one", 1, 4500)};
  config::Configuration second;
  second.tunnels = {tunnel("cl-one", 1, 4500), tunnel("cl-two", 2, 4500)};
  auto guards = plan_of(first).guards;
  guards.add(plan_of(second).guards);
  CHECK(guards == plan_of(second).guards);
}

TEST_CASE("Only what a tunnel names is in the plan", "[network]") {
  config::Configuration configuration;
  configuration.tunnels = {tunnel("cl-one", 1, 4500)};
  const auto plan = plan_of(configuration);
  CHECK(plan.has_endpoint({"203.0.113.1", 4500}));
  CHECK_FALSE(plan.has_endpoint({"203.0.113.1", 4501}));
  CHECK_FALSE(plan.has_endpoint({"203.0.113.2", 4500}));
  CHECK(plan.has_interface("cl-one"));
  CHECK_FALSE(plan.has_interface("cl-two"));
  REQUIRE(plan.interfaces[0].routes.size() == 1);
  const auto& route = plan.interfaces[0].routes[0];
  CHECK(route.length == 24);
  CHECK_FALSE(route.v6);
  CHECK(route.address[0] == std::byte{198});
}

}  // namespace
}  // namespace cloister::network
